import type { JsonValue } from '@tidings/contracts/ports/event-log';
import type { Sealed } from '@tidings/contracts/sealed';
import type { NotificationEvent } from './events.ts';

export type State = { readonly kind: 'none' } | { readonly kind: 'sent'; readonly message: Sealed<JsonValue> };

export const initial: State = { kind: 'none' };

export const evolve = (state: State, event: NotificationEvent): State => {
  switch (event.type) {
    case 'NotificationSent':
      return { kind: 'sent', message: event.data.message };
    default:
      return state;
  }
};
