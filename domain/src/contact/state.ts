import type { Sealed } from '@tidings/contracts/sealed';
import type { ContactEvent } from './events.ts';

/** `learnt`: nobody has touched it, so it is what mail says, if anything. */
export type State =
  | { readonly kind: 'learnt' }
  | { readonly kind: 'saved'; readonly name: Sealed<string | null> }
  | { readonly kind: 'removed' };

export const initial: State = { kind: 'learnt' };

export const evolve = (state: State, event: ContactEvent): State => {
  switch (event.type) {
    case 'ContactSaved':
      return { kind: 'saved', name: event.data.name };
    case 'ContactRemoved':
      return { kind: 'removed' };
    default:
      return state;
  }
};
