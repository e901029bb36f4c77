/** A member's read mark in one room. It names what was seen, so nothing that arrives meanwhile is read unseen (W5), and never moves back. */
import type { MessageId, RoomId, UserId } from '@tidings/contracts/ids';
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import { type ReadReceiptEvent, roomRead } from './events.ts';
import type { State } from './state.ts';

export interface Command {
  readonly type: 'MarkRoomRead';
  readonly roomId: RoomId;
  readonly userId: UserId;
  readonly upToSeq: number;
  readonly upTo: MessageId | null;
  readonly isMember: boolean;
}

export type Rejection = { readonly type: 'NotAMember'; readonly userId: UserId };

export const decide = (command: Command, state: State): Either<Rejection, readonly ReadReceiptEvent[]> => {
  const { roomId, userId, upToSeq, upTo } = command;
  if (!command.isMember) return left({ type: 'NotAMember', userId });
  return right(state.upToSeq === null || upToSeq > state.upToSeq ? [roomRead({ roomId, userId, upToSeq, upTo })] : []);
};
