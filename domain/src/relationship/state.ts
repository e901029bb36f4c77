import type { UserId } from '@tidings/contracts/ids';
import type { RelationshipEvent } from './events.ts';

export type State =
  | { readonly kind: 'strangers' }
  | { readonly kind: 'requested'; readonly by: UserId }
  | { readonly kind: 'friends' }
  /** `by` is never empty; both may have blocked each other. */
  | { readonly kind: 'blocked'; readonly by: readonly UserId[] };

export const initial: State = { kind: 'strangers' };

export const evolve = (state: State, event: RelationshipEvent): State => {
  switch (event.type) {
    case 'FriendshipRequested':
      return { kind: 'requested', by: event.data.by };
    case 'FriendshipAccepted':
      return { kind: 'friends' };
    case 'FriendshipRejected':
    case 'FriendshipEnded':
      return initial;
    case 'UserBlocked':
      return { kind: 'blocked', by: [...blockersOtherThan(event.data.by, state), event.data.by] };
    case 'UserUnblocked': {
      const by = blockersOtherThan(event.data.by, state);
      return by.length === 0 ? initial : { kind: 'blocked', by };
    }
    default:
      return state;
  }
};

const blockersOtherThan = (user: UserId, state: State): readonly UserId[] =>
  state.kind === 'blocked' ? state.by.filter((blocker) => blocker !== user) : [];

export const isBlocked = (state: State): boolean => state.kind === 'blocked';
export const isBlockedBy = (state: State, user: UserId): boolean => state.kind === 'blocked' && state.by.includes(user);
