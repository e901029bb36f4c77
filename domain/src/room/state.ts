import type { RoomType } from '@tidings/contracts/events/room';
import type { UserId } from '@tidings/contracts/ids';
import type { RoomEvent } from './events.ts';
import { hasUser, noUsers, type UserSet, userSet, usersOf, withUser, withoutUser } from './user-set.ts';

export type State =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'open';
      readonly roomType: RoomType;
      readonly joined: UserSet;
      /** Were in it and left. In a private room they can come back. */
      readonly left: UserSet;
    }
  | { readonly kind: 'closed' };

export const initial: State = { kind: 'none' };

export const evolve = (state: State, event: RoomEvent): State => {
  switch (event.type) {
    case 'RoomCreated':
      return { kind: 'open', roomType: event.data.roomType, joined: userSet(event.data.members), left: noUsers };
    case 'RoomJoined':
      return state.kind === 'open'
        ? { ...state, joined: withUser(state.joined, event.data.userId), left: withoutUser(state.left, event.data.userId) }
        : state;
    case 'RoomLeft':
      return state.kind === 'open'
        ? { ...state, joined: withoutUser(state.joined, event.data.userId), left: withUser(state.left, event.data.userId) }
        : state;
    case 'RoomClosed':
      return { kind: 'closed' };
    default:
      return state;
  }
};

export const isMember = (state: State, user: UserId): boolean => state.kind === 'open' && hasUser(state.joined, user);
export const hasLeft = (state: State, user: UserId): boolean => state.kind === 'open' && hasUser(state.left, user);

/** The other one of a private room, whether joined or not; null for groups, unknown rooms and strangers to the room. */
export const otherOf = (state: State, user: UserId): UserId | null => {
  if (state.kind !== 'open' || state.roomType !== 'Single' || !(hasUser(state.joined, user) || hasUser(state.left, user))) return null;
  return [...usersOf(state.joined), ...usersOf(state.left)].find((member) => member !== user) ?? null;
};
