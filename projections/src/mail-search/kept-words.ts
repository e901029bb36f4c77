/** Where the words of mails are kept: in a table beside the others, or in an index beside Postgres. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { EmailFiled } from '@tidings/contracts/events/thread';
import type { EmailId, MailboxId, ThreadId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import type { SqlSession } from '@tidings/contracts/ports/sql';
import type { Words } from '@tidings/contracts/ports/word-index';
import type { ProjectionTx } from '@tidings/contracts/projection';

export interface KeptWords {
  /** Of the projection that keeps them so. */
  readonly version: number;
  readonly tables: (schema: string) => string;
  readonly indexes: (schema: string) => string;
  readonly page: (tx: ProjectionTx) => WordsOfPage;
  /** As of `Projection`. */
  readonly removeRetired?: (schemas: readonly string[]) => Promise<void>;
  readonly whatIsMissing?: (schema: string, db: SqlSession) => Promise<string | null>;
}

/** Where a mailbox holds an email: it may be in two threads of it. */
export interface HeldMail {
  readonly mailboxId: MailboxId;
  readonly emailId: EmailId;
  readonly threadId: ThreadId;
}

export type FiledMail = Recorded<EmailFiled>;
/** Of some mails, in their order. */
export type WordsOf = (filed: readonly FiledMail[]) => Promise<readonly Words[]>;

/** In the order of the log. */
export interface WordsOfPage {
  save(filed: readonly FiledMail[], wordsOf: WordsOf): Promise<void>;
  /** @param position of the event that takes them away */
  forget(held: readonly HeldMail[], position: Position): Promise<void>;
  /** Whatever else it keeps of them. */
  close(mailboxes: readonly MailboxId[]): Promise<void>;
  end(): Promise<void>;
}

/** So many mails are read at a time: memory stays the same however long a page's mails are. */
const READ_AT_ONCE = 32;

export interface WordedMail {
  readonly event: FiledMail;
  readonly words: Words;
}

/** The mails of a page with their words, some at a time. */
export const worded = async function* (filed: readonly FiledMail[], wordsOf: WordsOf): AsyncGenerator<readonly WordedMail[]> {
  for (let from = 0; from < filed.length; from += READ_AT_ONCE) {
    const some = filed.slice(from, from + READ_AT_ONCE);
    const words = await wordsOf(some);
    yield some.map((event, at) => ({ event, words: words[at] ?? new Map() }));
  }
};
