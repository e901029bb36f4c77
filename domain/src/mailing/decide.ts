/**
 * Telling members of one chat message by mail. Who is told is decided once, as the message comes; each of them is mailed once, or not, when their
 * time has come.
 */
import type { MailedStatus, MailingRecipient, NotMailedBecause } from '@tidings/contracts/events/mailing';
import type { EmailId, MessageId, RoomId, UserId } from '@tidings/contracts/ids';
import { type Either, right } from 'fp-ts/lib/Either.js';
import { type MailingEvent, mailingPlanned, messageMailed, messageMailStatusChanged, messageNotMailed } from './events.ts';
import { isPlanned, type State } from './state.ts';

interface OfMember {
  readonly roomId: RoomId;
  readonly messageId: MessageId;
  readonly userId: UserId;
}

export type Command =
  | {
      readonly type: 'PlanMailing';
      readonly roomId: RoomId;
      readonly messageId: MessageId;
      readonly senderId: UserId;
      /** Nobody is in it twice; its author is left out. */
      readonly recipients: readonly MailingRecipient[];
    }
  /**
   * The state afterwards tells whether this email is the one. `insteadOf` is one that was called off before it left, since something else that it told of is
   * not to be told any more.
   */
  | (OfMember & { readonly type: 'Mail'; readonly emailId: EmailId; readonly insteadOf: EmailId | null })
  | (OfMember & { readonly type: 'DoNotMail'; readonly because: NotMailedBecause })
  /** News of another email than the one that told them is passed over. */
  | (OfMember & { readonly type: 'RecordMailStatus'; readonly emailId: EmailId; readonly status: MailedStatus });

/** There is nothing to refuse: whoever comes second changes nothing. */
export type Rejection = never;

export const decide = (command: Command, state: State): Either<Rejection, readonly MailingEvent[]> => {
  const { roomId, messageId } = command;
  switch (command.type) {
    case 'PlanMailing': {
      const { senderId } = command;
      const recipients = [...new Map(command.recipients.map((one) => [one.userId, one])).values()].filter(
        ({ userId }) => userId !== senderId,
      );
      if (state.planned) return right([]);
      return right(inPieces(recipients).map((some) => mailingPlanned({ roomId, messageId, senderId, recipients: some })));
    }
    case 'Mail': {
      const { userId, emailId, insteadOf } = command;
      const was = state.recipients.get(userId);
      const isInstead = was?.kind === 'mailed' && was.status === 'cancelled' && was.emailId === insteadOf && was.emailId !== emailId;
      return right(isPlanned(state, userId) || isInstead ? [messageMailed({ roomId, messageId, userId, emailId })] : []);
    }
    case 'DoNotMail': {
      const { userId, because } = command;
      return right(isPlanned(state, userId) ? [messageNotMailed({ roomId, messageId, userId, because })] : []);
    }
    case 'RecordMailStatus': {
      const { userId, emailId, status } = command;
      const was = state.recipients.get(userId);
      const isNews = was?.kind === 'mailed' && was.emailId === emailId && was.status !== status;
      return right(isNews ? [messageMailStatusChanged({ roomId, messageId, userId, emailId, status })] : []);
    }
  }
};

/** Recipients in one event: a large room must not make it too large for the log. */
const MOST_IN_ONE = 1_000;

const inPieces = (recipients: readonly MailingRecipient[]): readonly (readonly MailingRecipient[])[] =>
  Array.from({ length: Math.ceil(recipients.length / MOST_IN_ONE) }, (_, at) => recipients.slice(at * MOST_IN_ONE, (at + 1) * MOST_IN_ONE));
