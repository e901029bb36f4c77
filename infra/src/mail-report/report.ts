/** What a mail says that is a report on a mail of ours. Whether it is to be believed is for others to say. */
import type { Fate } from '@tidings/contracts/events/outbound';

/** Of the mail that is reported on, as the report quotes it. */
export interface Original {
  /** Without brackets. */
  readonly messageId: string | null;
  readonly returnPath: string | null;
}

export interface RecipientFate {
  /** As it was written to, if the report says so, else as it came to be; null where nobody is named. */
  readonly recipients: readonly string[];
  readonly fate: Fate;
  /** RFC 3463. */
  readonly enhancedCode: string | null;
  /** What the server said, or the report about it. */
  readonly reply: string;
  readonly host: string | null;
}

export type MailReport =
  /** RFC 3464, or one of the forms that were there before it. */
  | { readonly type: 'fates'; readonly fates: readonly RecipientFate[]; readonly original: Original }
  /** RFC 5965. */
  | {
      readonly type: 'complaint';
      readonly feedback: string;
      /** Addresses that the original went to. */
      readonly recipients: readonly string[];
      readonly original: Original;
    }
  /** RFC 8098. */
  | {
      readonly type: 'receipt';
      readonly disposition: string;
      /** Nobody did it by hand. */
      readonly isAutomatic: boolean;
      readonly recipients: readonly string[];
      readonly original: Original;
    };
