/** Who may answer a conversation by mail. Each gets an address of their own, so that an answer says whose it is, and one can be ended alone. */
import { MOST_REPLY_ADDRESSES } from '@tidings/contracts/events/gateway';
import type { ConversationId, UserId } from '@tidings/contracts/ids';
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import { type GatewayEvent, replyAddressIssued, replyAddressRevoked } from './events.ts';
import { currentRecipients, replyAddressFor, type State } from './state.ts';

export type Command =
  | {
      readonly type: 'IssueReplyAddress';
      readonly conversationId: ConversationId;
      readonly userId: UserId;
      /** In normal form: where our mail goes to, and answers come from. */
      readonly address: string;
      readonly outsider: boolean;
    }
  /** All of that user's. */
  | {
      readonly type: 'RevokeReplyAddress';
      readonly conversationId: ConversationId;
      readonly userId: UserId;
      /** Null when it follows from something else. */
      readonly by: UserId | null;
    };

export type Rejection = { readonly type: 'TooManyReplyAddresses'; readonly most: number };

export const decide = (command: Command, state: State): Either<Rejection, readonly GatewayEvent[]> => {
  const { conversationId, userId } = command;
  switch (command.type) {
    case 'IssueReplyAddress': {
      const { address, outsider } = command;
      if (replyAddressFor(state, userId, address) !== null) return right([]);
      const number = Math.max(0, ...state.recipients.map((recipient) => recipient.number)) + 1;
      return number > MOST_REPLY_ADDRESSES
        ? left({ type: 'TooManyReplyAddresses', most: MOST_REPLY_ADDRESSES })
        : right([replyAddressIssued({ conversationId, number, userId, address, outsider })]);
    }
    case 'RevokeReplyAddress':
      return right(
        currentRecipients(state)
          .filter((recipient) => recipient.userId === userId)
          .map(({ number }) => replyAddressRevoked({ conversationId, number, userId, by: command.by })),
      );
  }
};
