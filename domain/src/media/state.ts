import type { MediaUploaded } from '@tidings/contracts/events/media';
import type { MediaEvent } from './events.ts';

export type State = { readonly kind: 'none' } | { readonly kind: 'uploaded'; readonly file: MediaUploaded['data'] };

export const initial: State = { kind: 'none' };

export const evolve = (state: State, event: MediaEvent): State => {
  switch (event.type) {
    case 'MediaUploaded':
      return { kind: 'uploaded', file: event.data };
    default:
      return state;
  }
};
