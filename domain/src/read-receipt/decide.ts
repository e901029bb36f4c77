/** A member's marks in one room. They name what was seen, so nothing that arrives meanwhile is read unseen (W5), and never move back. */
import type { MessageId, RoomId, UserId } from '@tidings/contracts/ids';
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import { type ReadReceiptEvent, roomDelivered, roomRead } from './events.ts';
import type { State } from './state.ts';

interface Mark {
  readonly roomId: RoomId;
  readonly userId: UserId;
  readonly upToSeq: number;
  readonly isMember: boolean;
}

export type Command =
  | (Mark & { readonly type: 'MarkRoomRead'; readonly upTo: MessageId | null })
  | (Mark & { readonly type: 'MarkRoomDelivered'; readonly upTo: MessageId });

export type Rejection = { readonly type: 'NotAMember'; readonly userId: UserId };

export const decide = (command: Command, state: State): Either<Rejection, readonly ReadReceiptEvent[]> => {
  const { roomId, userId, upToSeq } = command;
  if (!command.isMember) return left({ type: 'NotAMember', userId });
  switch (command.type) {
    case 'MarkRoomRead':
      return right(state.upToSeq === null || upToSeq > state.upToSeq ? [roomRead({ roomId, userId, upToSeq, upTo: command.upTo })] : []);
    case 'MarkRoomDelivered':
      return right(upToSeq > state.deliveredToSeq ? [roomDelivered({ roomId, userId, upToSeq, upTo: command.upTo })] : []);
  }
};
