import type { GatewayMailReceived, GatewayMailSettled } from '@tidings/contracts/events/gateway-mail';
import type { GatewayMailEvent } from './events.ts';

export type State =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'received';
      readonly mail: GatewayMailReceived['data'];
      /** Null until it is settled for the first time. */
      readonly settled: GatewayMailSettled['data'] | null;
      /** What a member said of a held mail. */
      readonly decision: 'confirmed' | 'refused' | null;
    };

export const initial: State = { kind: 'none' };

export const evolve = (state: State, event: GatewayMailEvent): State => {
  if (event.type === 'GatewayMailReceived') return { kind: 'received', mail: event.data, settled: null, decision: null };
  if (state.kind === 'none') return state;
  switch (event.type) {
    case 'GatewayMailSettled':
      return { ...state, settled: event.data };
    case 'HeldMailConfirmed':
      return { ...state, decision: 'confirmed' };
    case 'HeldMailRefused':
      return { ...state, decision: 'refused' };
    default:
      return state;
  }
};
