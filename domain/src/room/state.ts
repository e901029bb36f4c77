import type { RoomImageChanged, RoomRole, RoomType } from '@tidings/contracts/events/room';
import type { MessageId, UserId } from '@tidings/contracts/ids';
import type { Sealed } from '@tidings/contracts/sealed';
import { may, type RoomAction } from '../authorization/may.ts';
import type { RoomEvent } from './events.ts';
import { firstUser, hasUser, noUsers, type UserSet, userSet, usersOf, withUser, withoutUser } from './user-set.ts';

export type RoomImage = NonNullable<RoomImageChanged['data']['image']>;

export interface OpenRoom {
  readonly kind: 'open';
  readonly roomType: RoomType;
  readonly joined: UserSet;
  /** Were in it and left. In a private room they can come back. */
  readonly left: UserSet;
  /** How many have ever joined: the number of the next one. */
  readonly joins: number;
  /** In the order they became so; nobody is both. */
  readonly owners: readonly UserId[];
  readonly admins: readonly UserId[];
  readonly name: Sealed<string | null>;
  readonly image: RoomImage | null;
  /** The newest last. */
  readonly pins: readonly MessageId[];
}

export type State = { readonly kind: 'none' } | OpenRoom | { readonly kind: 'closed' };

export const initial: State = { kind: 'none' };

export const evolve = (state: State, event: RoomEvent): State => {
  if (event.type === 'RoomCreated') {
    const { roomType, members, createdBy, name } = event.data;
    const owners = roomType === 'Group' && members.includes(createdBy) ? [createdBy] : [];
    const nothing = { left: noUsers, admins: [], image: null, pins: [] };
    return { kind: 'open', roomType, joined: userSet(members), joins: members.length, owners, name, ...nothing };
  }
  if (state.kind !== 'open') return state;
  switch (event.type) {
    case 'RoomJoined': {
      const { userId } = event.data;
      const joined = withUser(state.joined, userId, state.joins);
      return { ...state, joined, joins: state.joins + 1, left: withoutUser(state.left, userId) };
    }
    case 'RoomLeft': {
      const { userId } = event.data;
      const joined = withoutUser(state.joined, userId);
      return { ...withRole(state, userId, 'member'), joined, left: withUser(state.left, userId, 0) };
    }
    case 'RoomClosed':
      return { kind: 'closed' };
    case 'RoomRenamed':
      return { ...state, name: event.data.name };
    case 'RoomImageChanged':
      return { ...state, image: event.data.image };
    case 'MemberRoleChanged':
      return isMember(state, event.data.userId) ? withRole(state, event.data.userId, event.data.role) : state;
    case 'MessagePinned':
      return { ...state, pins: [...without(state.pins, event.data.messageId), event.data.messageId] };
    case 'MessageUnpinned':
      return { ...state, pins: without(state.pins, event.data.messageId) };
    default:
      return state;
  }
};

const without = <A>(list: readonly A[], one: A): readonly A[] => (list.includes(one) ? list.filter((each) => each !== one) : list);

const withRole = (state: OpenRoom, user: UserId, role: RoomRole): OpenRoom => {
  if (roleAmong(state, user) === role) return state;
  const [owners, admins] = [without(state.owners, user), without(state.admins, user)];
  return { ...state, owners: role === 'owner' ? [...owners, user] : owners, admins: role === 'admin' ? [...admins, user] : admins };
};

const roleAmong = (state: OpenRoom, user: UserId): RoomRole =>
  state.owners.includes(user) ? 'owner' : state.admins.includes(user) ? 'admin' : 'member';

export const isMember = (state: State, user: UserId): boolean => state.kind === 'open' && hasUser(state.joined, user);
export const hasLeft = (state: State, user: UserId): boolean => state.kind === 'open' && hasUser(state.left, user);

/** In the order in which they joined; nobody where there is no room. */
export const membersOf = (state: State): readonly UserId[] => (state.kind === 'open' ? usersOf(state.joined) : []);

/** Null for whoever is not in the room, whatever they were before. */
export const roleOf = (state: State, user: UserId): RoomRole | null =>
  state.kind === 'open' && hasUser(state.joined, user) ? roleAmong(state, user) : null;

/** What `may` says of this room; never more than a member of it can do. */
export const mayIn = (state: State, user: UserId, action: RoomAction): boolean =>
  state.kind === 'open' &&
  may({ isAdmin: false }, action, { kind: 'room', roomType: state.roomType, role: roleOf(state, user), isBlocked: false });

/** Who becomes owner as `leaver` goes; null while another owner stays, when nobody is left, and in private rooms. */
export const heirOf = (state: OpenRoom, leaver: UserId): UserId | null => {
  if (state.roomType === 'Single' || without(state.owners, leaver).length > 0) return null;
  return without(state.admins, leaver)[0] ?? firstUser(withoutUser(state.joined, leaver));
};

/** The other one of a private room, whether joined or not; null for groups, unknown rooms and strangers to the room. */
export const otherOf = (state: State, user: UserId): UserId | null => {
  if (state.kind !== 'open' || state.roomType !== 'Single' || !(hasUser(state.joined, user) || hasUser(state.left, user))) return null;
  return [...usersOf(state.joined), ...usersOf(state.left)].find((member) => member !== user) ?? null;
};
