import type { UserRole } from '@tidings/contracts/events/user';
import type { Sealed } from '@tidings/contracts/sealed';
import type { UserEvent } from './events.ts';

export type State =
  | { readonly kind: 'unknown' }
  | {
      readonly kind: 'registered';
      readonly displayName: Sealed<string>;
      readonly email: Sealed<string | null>;
      readonly description: Sealed<string | null>;
      readonly role: UserRole;
    };

export const initial: State = { kind: 'unknown' };

export const evolve = (state: State, event: UserEvent): State => {
  switch (event.type) {
    case 'UserRegistered': {
      const { displayName, email, role } = event.data;
      return { kind: 'registered', displayName, email, description: null, role };
    }
    case 'UserProfileChanged': {
      const { displayName, description, role } = event.data;
      return state.kind === 'registered' ? { ...state, displayName, description, role } : state;
    }
    default:
      return state;
  }
};
