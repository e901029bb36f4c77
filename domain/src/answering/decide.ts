/** What a mailbox answers by itself, and when (collaborative inbox §1.7, RFC 3834); and whether it sends read receipts (RFC 8098). */
import type { AnswerSchedule, AnswerText, ReceiptPolicy } from '@tidings/contracts/events/answering';
import type { MailboxId, UserId } from '@tidings/contracts/ids';
import { type Either, right } from 'fp-ts/lib/Either.js';
import { sameValue } from '../same-value.ts';
import { type AnsweringEvent, autoreplyRemoved, autoreplySet, receiptPolicySet } from './events.ts';
import type { State } from './state.ts';

export type Command =
  | {
      readonly type: 'SetAutoreply';
      readonly mailboxId: MailboxId;
      readonly isActive: boolean;
      readonly schedule: AnswerSchedule;
      readonly content: AnswerText;
      readonly by: UserId;
    }
  | { readonly type: 'RemoveAutoreply'; readonly mailboxId: MailboxId; readonly by: UserId }
  | { readonly type: 'SetReceiptPolicy'; readonly mailboxId: MailboxId; readonly policy: ReceiptPolicy; readonly by: UserId };

export const decide = (command: Command, state: State): Either<never, readonly AnsweringEvent[]> => {
  const { mailboxId, by } = command;
  switch (command.type) {
    case 'SetAutoreply': {
      const { isActive, schedule, content } = command;
      const same = state.autoreply !== null && sameValue(state.autoreply, { isActive, schedule, content });
      return right(same ? [] : [autoreplySet({ mailboxId, isActive, schedule, content, by })]);
    }
    case 'RemoveAutoreply':
      return right(state.autoreply === null ? [] : [autoreplyRemoved({ mailboxId, by })]);
    case 'SetReceiptPolicy': {
      const { policy } = command;
      return right(state.receipts === policy ? [] : [receiptPolicySet({ mailboxId, policy, by })]);
    }
  }
};
