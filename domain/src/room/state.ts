import type { RoomType } from '@tidings/contracts/events/room';
import type { UserId } from '@tidings/contracts/ids';
import type { RoomEvent } from './events.ts';

export type State =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'open';
      readonly roomType: RoomType;
      readonly joined: ReadonlySet<UserId>;
      /** Were in it and left. In a private room they can come back. */
      readonly left: ReadonlySet<UserId>;
    }
  | { readonly kind: 'closed' };

export const initial: State = { kind: 'none' };

export const evolve = (state: State, event: RoomEvent): State => {
  switch (event.type) {
    case 'RoomCreated':
      return { kind: 'open', roomType: event.data.roomType, joined: new Set(event.data.members), left: new Set() };
    case 'RoomJoined':
      return state.kind === 'open'
        ? { ...state, joined: withUser(state.joined, event.data.userId), left: without(state.left, event.data.userId) }
        : state;
    case 'RoomLeft':
      return state.kind === 'open'
        ? { ...state, joined: without(state.joined, event.data.userId), left: withUser(state.left, event.data.userId) }
        : state;
    case 'RoomClosed':
      return { kind: 'closed' };
    default:
      return state;
  }
};

const withUser = (users: ReadonlySet<UserId>, user: UserId): ReadonlySet<UserId> => new Set(users).add(user);
const without = (users: ReadonlySet<UserId>, user: UserId): ReadonlySet<UserId> => {
  const rest = new Set(users);
  rest.delete(user);
  return rest;
};

export const isMember = (state: State, user: UserId): boolean => state.kind === 'open' && state.joined.has(user);
export const hasLeft = (state: State, user: UserId): boolean => state.kind === 'open' && state.left.has(user);

/** The other one of a private room, whether joined or not; null for groups, unknown rooms and strangers to the room. */
export const otherOf = (state: State, user: UserId): UserId | null => {
  if (state.kind !== 'open' || state.roomType !== 'Single' || !(state.joined.has(user) || state.left.has(user))) return null;
  return [...state.joined, ...state.left].find((member) => member !== user) ?? null;
};
