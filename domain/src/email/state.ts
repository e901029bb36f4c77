import type { BlobId } from '@tidings/contracts/ids';
import type { EmailEvent } from './events.ts';

export type State = { readonly kind: 'none' } | { readonly kind: 'received'; readonly blobId: BlobId };

export const initial: State = { kind: 'none' };

export const evolve = (state: State, event: EmailEvent): State => {
  switch (event.type) {
    case 'EmailReceived':
      return { kind: 'received', blobId: event.data.blobId };
    default:
      return state;
  }
};
