import type { UploadEvent } from './events.ts';

export type State = { readonly kind: 'none' } | { readonly kind: 'kept' };

export const initial: State = { kind: 'none' };

export const evolve = (state: State, event: UploadEvent): State => {
  switch (event.type) {
    case 'BlobUploaded':
      return { kind: 'kept' };
    case 'UploadForgotten':
      return initial;
    default:
      return state;
  }
};
