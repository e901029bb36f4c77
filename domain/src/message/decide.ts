/** One message. Its id derives from the idempotency key, so a second send of the same key meets the first one here. */
import type { MessageBody } from '@tidings/contracts/events/message';
import type { MessageId, RoomId, UserId } from '@tidings/contracts/ids';
import { isShredded, type Sealed } from '@tidings/contracts/sealed';
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import { sameValue } from '../same-value.ts';
import { type MessageEvent, messageSent } from './events.ts';
import type { State } from './state.ts';

export interface Command {
  readonly type: 'SendMessage';
  readonly roomId: RoomId;
  readonly messageId: MessageId;
  readonly senderId: UserId;
  readonly body: MessageBody;
  /** The sender is joined, as the room's own stream says. */
  readonly isMember: boolean;
  /** A block stands between the two of a private room. Groups are not affected. */
  readonly isBlocked: boolean;
}

export type Rejection =
  | { readonly type: 'NotAMember'; readonly userId: UserId }
  | { readonly type: 'Blocked' }
  /** The same key stood for another message before. */
  | { readonly type: 'IdempotencyKeyReused'; readonly messageId: MessageId };

export const decide = (command: Command, state: State): Either<Rejection, readonly MessageEvent[]> => {
  const { roomId, messageId, senderId, body } = command;
  // First, so that a retry is answered alike even when its sender has left in between.
  if (state.kind === 'sent') {
    return state.senderId === senderId && isSameBody(body, state.body) ? right([]) : left({ type: 'IdempotencyKeyReused', messageId });
  }
  if (!command.isMember) return left({ type: 'NotAMember', userId: senderId });
  if (command.isBlocked) return left({ type: 'Blocked' });
  return right([messageSent({ roomId, messageId, senderId, body, mentions: [], threadId: null })]);
};

/** What was erased cannot be compared, and there is nothing to add to it. */
const isSameBody = (body: MessageBody, sent: Sealed<MessageBody>): boolean =>
  isShredded(sent) || sameValue(asWritten(body), asWritten(sent));

/** The quote is looked up anew on each try and may have changed; the sender only wrote which message they answer. */
const asWritten = (body: MessageBody): unknown =>
  body.type === 'Reply' ? { type: body.type, text: body.text, answers: body.quoted.messageId } : body;
