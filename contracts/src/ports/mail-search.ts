/**
 * Finding mail. Behind it: Postgres full text by default, OpenSearch when it is outgrown; both answer the same question with the same set
 * (docs/decisions/030, `projections/src/mail-search/testing/plain-search.ts`). The port answers with places only: what a mail looks
 * like is for the read models to say that show it.
 */
import type { Address } from '../events/email.ts';
import type { BlobId, EmailId, MailboxId, ThreadId, UserId } from '../ids.ts';
import type { MailQuery } from '../mail-query/ast.ts';
import type { Timestamp } from '../time.ts';

/** Where an email of a mailbox stands among all: by time, and within one instant by its ids. */
export interface MailPlace {
  readonly at: Timestamp;
  readonly emailId: EmailId;
  readonly mailboxId: MailboxId;
  /** A mailbox may hold an email in its own thread and in one that is shared with it. */
  readonly threadId: ThreadId;
}

export type MailHit = MailPlace;

export interface MailQuestion {
  readonly query: MailQuery;
  /** Who asks, for what is assigned to them. */
  readonly searcher: UserId;
  /** Those that the searcher may read, or some of them: nothing else is ever found. */
  readonly mailboxes: readonly MailboxId[];
  /** Milliseconds since the epoch, for `7d`. The same for all pages of a walk. */
  readonly now: number;
}

export interface MailFinds {
  readonly hits: readonly MailHit[];
  /**
   * Of a page that is not full although there may be more: it is all down to this place, behind which the next one begins. A search looks at so
   * much at a time and no more, whatever there is.
   */
  readonly goOn: MailPlace | null;
}

export interface MailSearch {
  /** Up to `limit` emails behind `after`, newest first; the same question finds the same until something is written. */
  find(question: MailQuestion, page: { readonly after: MailPlace | null; readonly limit: number }): Promise<MailFinds>;
  /** Of each of these threads, up to `most` emails that the question finds, newest first. */
  within(question: MailQuestion, threads: readonly ThreadId[], most: number): Promise<readonly MailHit[]>;
}

/** What of a mail is searched and stands in no event, because it may be long. */
export interface MailText {
  /** As it reads, HTML without its markup. */
  readonly body: string;
  /** Names of attached files. */
  readonly files: readonly string[];
  readonly bcc: readonly Address[];
}

/** The texts behind `EmailFiled.bodyBlobId`. */
export interface MailTexts {
  /** Null when it is there no more: the mail is erased. @throws BlobStoreUnavailable */
  read(bodyBlobId: BlobId): Promise<MailText | null>;
}
