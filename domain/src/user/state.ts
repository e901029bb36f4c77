import type { UserRole } from '@tidings/contracts/events/user';
import type { Sealed } from '@tidings/contracts/sealed';
import type { UserEvent } from './events.ts';

export interface Profile {
  readonly displayName: Sealed<string>;
  readonly description: Sealed<string | null>;
  readonly profilePicture: Sealed<string | null>;
  readonly role: UserRole;
}

/** What the identity provider last said; nulls when it has said nothing. */
export interface Identity {
  readonly displayName: Sealed<string | null>;
  readonly role: UserRole | null;
}

export type State =
  | { readonly kind: 'unknown' }
  | {
      readonly kind: 'registered';
      readonly email: Sealed<string | null>;
      readonly profile: Profile;
      /** Kept only once the back end has said otherwise: until then the profile is what the identity provider says. */
      readonly identity: Identity | null;
    }
  /** For good: nothing may be kept about them any more. */
  | { readonly kind: 'erased' };

export const initial: State = { kind: 'unknown' };

export const evolve = (state: State, event: UserEvent): State => {
  if (state.kind === 'erased') return state;
  switch (event.type) {
    case 'UserRegistered': {
      const { displayName, email, role } = event.data;
      return { kind: 'registered', email, profile: { displayName, description: null, profilePicture: null, role }, identity: null };
    }
    case 'UserProfileChanged': {
      const { displayName, description, profilePicture, role } = event.data;
      return state.kind === 'registered' ? { ...state, profile: { displayName, description, profilePicture, role } } : state;
    }
    case 'UserIdentityNoted': {
      const { displayName, role } = event.data;
      return state.kind === 'registered' ? { ...state, identity: { displayName, role } } : state;
    }
    case 'SubjectErased':
      return { kind: 'erased' };
    default:
      return state;
  }
};
