/**
 * Who is in a room and what they made of it (chat-contract §1.4, §6). A private room outlives its members' leaving; a group closes behind the
 * last one, and is never without an owner before that. Whoever is not in a room is told only that, also of rooms that do not exist.
 */
import type { RoomRole, RoomType } from '@tidings/contracts/events/room';
import type { MessageId, RoomId, UserId } from '@tidings/contracts/ids';
import { chain, type Either, left, map, right } from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import type { RoomAction } from '../authorization/may.ts';
import { sameValue } from '../same-value.ts';
import {
  memberRoleChanged,
  messagePinned,
  messageUnpinned,
  type RoomEvent,
  roomClosed,
  roomCreated,
  roomImageChanged,
  roomJoined,
  roomLeft,
  roomRenamed,
} from './events.ts';
import { hasLeft, heirOf, isMember, mayIn, type OpenRoom, roleOf, type RoomImage, type State } from './state.ts';
import { privateRoomId } from './stream.ts';

export const MOST_PINS = 50;

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
  | { readonly type: 'ReopenRoom'; readonly roomId: RoomId; readonly userId: UserId; readonly by: UserId }
  | { readonly type: 'RenameRoom'; readonly roomId: RoomId; readonly by: UserId; readonly name: string | null }
  | { readonly type: 'ChangeRoomImage'; readonly roomId: RoomId; readonly by: UserId; readonly image: RoomImage | null }
  | { readonly type: 'RemoveMember'; readonly roomId: RoomId; readonly by: UserId; readonly userId: UserId }
  | { readonly type: 'SetMemberRole'; readonly roomId: RoomId; readonly by: UserId; readonly userId: UserId; readonly role: RoomRole }
  | {
      readonly type: 'PinMessage';
      readonly roomId: RoomId;
      readonly by: UserId;
      readonly messageId: MessageId;
      /** `by` sees the message in this room, and it is not deleted. */
      readonly messageExists: boolean;
      /** A block stands between the two of a private room. */
      readonly isBlocked: boolean;
    }
  | {
      readonly type: 'UnpinMessage';
      readonly roomId: RoomId;
      readonly by: UserId;
      readonly messageId: MessageId;
      readonly isBlocked: boolean;
    }
  /** `by` deleted the message, member or not: an empty place takes no pin from others. */
  | { readonly type: 'UnpinDeleted'; readonly roomId: RoomId; readonly by: UserId; readonly messageId: MessageId };

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
  | { readonly type: 'AlreadyMember'; readonly userId: UserId }
  /** `by` is a member, but this takes a higher role. */
  | { readonly type: 'RoleTooLow'; readonly userId: UserId }
  | { readonly type: 'NoSuchMember'; readonly userId: UserId }
  | { readonly type: 'RemovesYourself' }
  | { readonly type: 'LastOwner' }
  | { readonly type: 'NoSuchMessage'; readonly messageId: MessageId }
  | { readonly type: 'TooManyPins'; readonly most: number }
  | { readonly type: 'Blocked' };

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
      return right(leave(state, roomId, userId));
    }
    case 'ReopenRoom': {
      const { roomId, userId, by } = command;
      if (state.kind === 'open' && state.roomType !== 'Single') return left({ type: 'NotAPrivateRoom' });
      if (by !== userId && !isMember(state, by)) return left({ type: 'NotAMember', userId: by });
      if (isMember(state, userId)) return right([]);
      return hasLeft(state, userId) ? right([roomJoined({ roomId, userId, invitedBy: by })]) : left({ type: 'NotAMember', userId });
    }
    case 'RenameRoom': {
      const { roomId, by, name } = command;
      return pipe(
        allowed(state, by, 'rename'),
        map((open) => (open.name === name ? [] : [roomRenamed({ roomId, name, by })])),
      );
    }
    case 'ChangeRoomImage': {
      const { roomId, by, image } = command;
      return pipe(
        allowed(state, by, 'change-image'),
        map((open) => (sameValue(open.image, image) ? [] : [roomImageChanged({ roomId, by, image })])),
      );
    }
    case 'RemoveMember':
      return pipe(
        allowed(state, command.by, 'moderate'),
        chain((open) => remove(command, open)),
      );
    case 'SetMemberRole':
      return pipe(
        allowed(state, command.by, 'set-roles'),
        chain((open) => setRole(command, open)),
      );
    case 'PinMessage': {
      const { roomId, by, messageId } = command;
      if (state.kind !== 'open' || !isMember(state, by)) return left({ type: 'NotAMember', userId: by });
      if (!command.messageExists) return left({ type: 'NoSuchMessage', messageId });
      if (command.isBlocked && state.roomType === 'Single') return left({ type: 'Blocked' });
      if (state.pins.includes(messageId)) return right([]);
      return state.pins.length >= MOST_PINS
        ? left({ type: 'TooManyPins', most: MOST_PINS })
        : right([messagePinned({ roomId, messageId, by })]);
    }
    case 'UnpinMessage': {
      const { roomId, by, messageId } = command;
      if (state.kind !== 'open' || !isMember(state, by)) return left({ type: 'NotAMember', userId: by });
      if (command.isBlocked && state.roomType === 'Single') return left({ type: 'Blocked' });
      return right(state.pins.includes(messageId) ? [messageUnpinned({ roomId, messageId, by })] : []);
    }
    case 'UnpinDeleted': {
      const { roomId, by, messageId } = command;
      return right(state.kind === 'open' && state.pins.includes(messageId) ? [messageUnpinned({ roomId, messageId, by })] : []);
    }
  }
};

/** The room, when `by` may do this in it. */
const allowed = (state: State, by: UserId, action: RoomAction): Either<Rejection, OpenRoom> => {
  if (state.kind !== 'open' || !isMember(state, by)) return left({ type: 'NotAMember', userId: by });
  if (state.roomType === 'Single') return left({ type: 'PrivateRoom' });
  return mayIn(state, by, action) ? right(state) : left({ type: 'RoleTooLow', userId: by });
};

const leave = (state: OpenRoom, roomId: RoomId, userId: UserId): readonly RoomEvent[] => {
  const { roomType } = state;
  const gone = roomLeft({ roomId, roomType, userId, by: userId });
  if (roomType === 'Group' && state.joined.size === 1) return [gone, roomClosed({ roomId })];
  const heir = heirOf(state, userId);
  return heir === null ? [gone] : [gone, memberRoleChanged({ roomId, userId: heir, role: 'owner', by: userId })];
};

/** An owner removes anyone else, an admin those without a role. Whoever has left already is as removed as can be. */
const remove = (
  { roomId, by, userId }: Extract<Command, { readonly type: 'RemoveMember' }>,
  state: OpenRoom,
): Either<Rejection, readonly RoomEvent[]> => {
  if (by === userId) return left({ type: 'RemovesYourself' });
  const role = roleOf(state, userId);
  if (role === null) return hasLeft(state, userId) ? right([]) : left({ type: 'NoSuchMember', userId });
  if (role !== 'member' && roleOf(state, by) !== 'owner') return left({ type: 'RoleTooLow', userId: by });
  return right([roomLeft({ roomId, roomType: state.roomType, userId, by })]);
};

const setRole = (
  { roomId, by, userId, role }: Extract<Command, { readonly type: 'SetMemberRole' }>,
  state: OpenRoom,
): Either<Rejection, readonly RoomEvent[]> => {
  const before = roleOf(state, userId);
  if (before === null) return left({ type: 'NoSuchMember', userId });
  if (before === role) return right([]);
  if (before === 'owner' && state.owners.length === 1) return left({ type: 'LastOwner' });
  return right([memberRoleChanged({ roomId, userId, role, by })]);
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
