import type { Address } from '@tidings/contracts/events/email';
import type { Timestamp } from '@tidings/contracts/time';

/** A file that goes along: shown where the HTML names its `cid`, attached where it names none. */
export interface MailFile {
  readonly name: string;
  readonly type: string;
  readonly cid: string | null;
  readonly content: Uint8Array;
}

/** A mail to be written as bytes. Message ids without angle brackets. */
export interface MailToCompose {
  readonly messageId: string;
  readonly date: Timestamp;
  readonly from: Address;
  readonly to: readonly Address[];
  readonly cc: readonly Address[];
  readonly subject: string;
  /** Empty: made from the HTML. */
  readonly text: string;
  /** Empty: plain text only. */
  readonly html: string;
  readonly files: readonly MailFile[];
  readonly inReplyTo: string | null;
  /** Oldest first. */
  readonly references: readonly string[];
  readonly unsubscribe: string | null;
  /** Where the programs of its readers are asked to tell what became of it (RFC 8098 §2.1). */
  readonly receiptTo: string | null;
  readonly autoSubmitted: 'auto-generated' | 'auto-replied' | null;
  /** Where answers go, when not to who it is from. */
  readonly replyTo?: Address;
  /** Further fields by name; values in ASCII, without line breaks. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ComposedMail {
  readonly raw: Uint8Array;
  readonly text: string;
}
