/** The reactions of one user to one message: each at most once, and not too many. */
import type { MessageId, RoomId, UserId } from '@tidings/contracts/ids';
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import { reactionAdded, type ReactionEvent, reactionRemoved } from './events.ts';
import type { State } from './state.ts';

/** Different ones, per user and message. */
export const MOST_REACTIONS = 20;

export interface Command {
  readonly type: 'AddReaction' | 'RemoveReaction';
  readonly roomId: RoomId;
  readonly messageId: MessageId;
  readonly userId: UserId;
  /** As the `Emoji` codec leaves it. */
  readonly emoji: string;
  readonly isMember: boolean;
  /** The user sees the message in this room, and it is not deleted. */
  readonly messageExists: boolean;
  /** A block stands between the two of a private room. One's own reaction can be taken away all the same. */
  readonly isBlocked: boolean;
}

export type Rejection =
  | { readonly type: 'NotAMember'; readonly userId: UserId }
  | { readonly type: 'NoSuchMessage'; readonly messageId: MessageId }
  | { readonly type: 'Blocked' }
  | { readonly type: 'TooManyReactions'; readonly most: number };

export const decide = (command: Command, state: State): Either<Rejection, readonly ReactionEvent[]> => {
  const { roomId, messageId, userId, emoji } = command;
  if (!command.isMember) return left({ type: 'NotAMember', userId });
  if (!command.messageExists) return left({ type: 'NoSuchMessage', messageId });
  const isThere = state.emoji.includes(emoji);
  if (command.type === 'RemoveReaction') return right(isThere ? [reactionRemoved({ roomId, messageId, userId, emoji })] : []);
  if (command.isBlocked) return left({ type: 'Blocked' });
  if (isThere) return right([]);
  return state.emoji.length >= MOST_REACTIONS
    ? left({ type: 'TooManyReactions', most: MOST_REACTIONS })
    : right([reactionAdded({ roomId, messageId, userId, emoji })]);
};
