/** Who is in a room (chat-contract §1.4, §6). A private room outlives its members' leaving; a group closes behind the last one. */
import type { RoomType } from '@tidings/contracts/events/room';
import type { RoomId, UserId } from '@tidings/contracts/ids';
import { chain, type Either, left, map, right } from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import { type RoomEvent, roomClosed, roomCreated, roomJoined, roomLeft } from './events.ts';
import { hasLeft, isMember, type State } from './state.ts';
import { privateRoomId } from './stream.ts';

export interface CreateRoom {
  readonly type: 'CreateRoom';
  readonly by: UserId;
  readonly roomType: RoomType;
  readonly name: string | null;
  /** As the caller sent it: must hold `by`, may hold anyone twice. */
  readonly invited: readonly UserId[];
  /** Those of `invited` who are in a block relation with `by`, in either direction. */
  readonly blocked: readonly UserId[];
  /** A group's id; a private room's derives from its pair. */
  readonly groupId: RoomId;
}

export type Command =
  | CreateRoom
  | {
      readonly type: 'InviteToRoom';
      readonly roomId: RoomId;
      readonly by: UserId;
      readonly userId: UserId;
      /** A block stands between `by` and `userId`. */
      readonly blocked: boolean;
    }
  | { readonly type: 'LeaveRoom'; readonly roomId: RoomId; readonly userId: UserId }
  /** Brings `userId` back into a private room: because they wish it, or because `by`, the other one, writes to them. */
  | { readonly type: 'ReopenRoom'; readonly roomId: RoomId; readonly userId: UserId; readonly by: UserId };

export type Rejection =
  | { readonly type: 'CreatorNotInvited' }
  | { readonly type: 'NotAPair'; readonly members: number }
  | { readonly type: 'TooFewMembers'; readonly members: number }
  | { readonly type: 'RoomExists'; readonly roomId: RoomId }
  | { readonly type: 'InviteBlocked' }
  | { readonly type: 'PrivateRoom' }
  | { readonly type: 'NotAPrivateRoom' }
  /** Also for rooms that do not exist: a stranger must not learn the difference. */
  | { readonly type: 'NotAMember'; readonly userId: UserId }
  | { readonly type: 'AlreadyMember'; readonly userId: UserId };

export const decide = (command: Command, state: State): Either<Rejection, readonly RoomEvent[]> => {
  switch (command.type) {
    case 'CreateRoom':
      return pipe(
        founding(command),
        chain(({ roomId, members }) => create(command, roomId, members, state)),
      );
    case 'InviteToRoom': {
      const { roomId, by, userId } = command;
      if (command.blocked) return left({ type: 'InviteBlocked' });
      if (state.kind === 'open' && state.roomType === 'Single') return left({ type: 'PrivateRoom' });
      if (!isMember(state, by)) return left({ type: 'NotAMember', userId: by });
      if (isMember(state, userId)) return left({ type: 'AlreadyMember', userId });
      return right([roomJoined({ roomId, userId, invitedBy: by })]);
    }
    case 'LeaveRoom': {
      const { roomId, userId } = command;
      if (state.kind !== 'open' || !isMember(state, userId)) return left({ type: 'NotAMember', userId });
      const { roomType } = state;
      const isLast = roomType === 'Group' && state.joined.size === 1;
      return right([roomLeft({ roomId, roomType, userId, by: userId }), ...(isLast ? [roomClosed({ roomId })] : [])]);
    }
    case 'ReopenRoom': {
      const { roomId, userId, by } = command;
      if (state.kind === 'open' && state.roomType !== 'Single') return left({ type: 'NotAPrivateRoom' });
      if (by !== userId && !isMember(state, by)) return left({ type: 'NotAMember', userId: by });
      if (isMember(state, userId)) return right([]);
      return hasLeft(state, userId) ? right([roomJoined({ roomId, userId, invitedBy: by })]) : left({ type: 'NotAMember', userId });
    }
  }
};

/** Whom a new room would hold and what its id is, or which rule of §1.4 forbids it, in the contract's order. The id names the stream. */
export const founding = (command: CreateRoom): Either<Rejection, { readonly roomId: RoomId; readonly members: readonly UserId[] }> => {
  if (!command.invited.includes(command.by)) return left({ type: 'CreatorNotInvited' });
  const members = [...new Set(command.invited)].filter((user) => user === command.by || !command.blocked.includes(user));
  if (command.roomType === 'Group') {
    return members.length < 2 ? left({ type: 'TooFewMembers', members: members.length }) : right({ roomId: command.groupId, members });
  }
  const [one, other, third] = members;
  return one === undefined || other === undefined || third !== undefined
    ? left({ type: 'NotAPair', members: members.length })
    : right({ roomId: privateRoomId(one, other), members });
};

/** Of `founding`, only the stream's key: for the caller that must load the stream first. */
export const roomIdOf = (command: CreateRoom): Either<Rejection, RoomId> =>
  pipe(
    founding(command),
    map(({ roomId }) => roomId),
  );

const create = (command: CreateRoom, roomId: RoomId, members: readonly UserId[], state: State): Either<Rejection, readonly RoomEvent[]> => {
  const { by, roomType, name } = command;
  if (state.kind === 'none') return right([roomCreated({ roomId, roomType, name, createdBy: by, members })]);
  // who left their private room gets the same one back
  if (roomType === 'Single' && hasLeft(state, by)) return right([roomJoined({ roomId, userId: by, invitedBy: by })]);
  return left({ type: 'RoomExists', roomId });
};
