/** What was answered already: the stream has one winner, whoever else is about to answer. */
import type { EmailId, MailboxId, ThreadId, UserId } from '@tidings/contracts/ids';
import { msOf, type Timestamp } from '@tidings/contracts/time';
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import { type AnsweredEvent, autoreplyDecided, receiptAnswered } from './events.ts';
import type { State } from './state.ts';

export type Command =
  | {
      readonly type: 'Autoreply';
      readonly mailboxId: MailboxId;
      readonly emailId: EmailId;
      readonly threadId: ThreadId;
      readonly at: Timestamp;
    }
  | {
      readonly type: 'AnswerReceipt';
      readonly mailboxId: MailboxId;
      readonly emailId: EmailId;
      readonly threadId: ThreadId;
      readonly sent: boolean;
      readonly by: UserId;
    };

export type Rejection =
  /** This sender had an automatic reply within the day. */
  | { readonly type: 'AnsweredToday' }
  /** Somebody said otherwise, and a receipt cannot be called back. */
  | { readonly type: 'ReceiptAnsweredDifferently' };

/** Mail-contract §8: an automatic reply once a day per sender. */
export const AUTOREPLY_EVERY_MS = 24 * 3_600_000;

export const decide = (command: Command, state: State): Either<Rejection, readonly AnsweredEvent[]> => {
  const { type, ...data } = command;
  if (type === 'AnswerReceipt') {
    if (state.receiptSent === command.sent) return right([]);
    return state.receiptSent === null
      ? right([receiptAnswered({ ...data, sent: command.sent, by: command.by })])
      : left({ type: 'ReceiptAnsweredDifferently' });
  }
  const { mailboxId, emailId, threadId, at } = command;
  const { autoreply } = state;
  if (autoreply?.emailId === emailId) return right([]);
  if (autoreply !== null && msOf(at) - msOf(autoreply.at) < AUTOREPLY_EVERY_MS) return left({ type: 'AnsweredToday' });
  return right([autoreplyDecided({ mailboxId, emailId, threadId, at })]);
};
