import type { PushKeys } from '@tidings/contracts/events/push';
import type { Sealed } from '@tidings/contracts/sealed';
import type { PushEvent } from './events.ts';

export type State =
  | { readonly kind: 'none' }
  | { readonly kind: 'subscribed'; readonly endpoint: Sealed<string>; readonly keys: Sealed<PushKeys> };

export const initial: State = { kind: 'none' };

export const evolve = (state: State, event: PushEvent): State => {
  switch (event.type) {
    case 'PushSubscribed':
      return { kind: 'subscribed', endpoint: event.data.endpoint, keys: event.data.keys };
    case 'PushUnsubscribed':
      return { kind: 'none' };
    default:
      return state;
  }
};
