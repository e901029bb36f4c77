import type { ImportCounts, ImportFolder, ImportRequested } from '@tidings/contracts/events/import';
import type { Sealed } from '@tidings/contracts/sealed';
import type { ImportEvent } from './events.ts';

export type Request = ImportRequested['data'];

/** Where an import is to go on. */
export interface Progress {
  readonly counts: ImportCounts;
  /** Of a file: mails dealt with. */
  readonly next: number;
  /** Of an IMAP server. */
  readonly folders: Sealed<readonly ImportFolder[]>;
}

export type State =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'open' | 'finished' | 'failed' | 'cancelled';
      readonly request: Request;
      /** Null while it waits for its turn. */
      readonly progress: Progress | null;
      /** Of an IMAP server; null when none was given. */
      readonly password: Sealed<string> | null;
    };

export const initial: State = { kind: 'none' };

export const nothingDone: ImportCounts = { total: null, done: 0, filed: 0, duplicates: 0, failed: 0 };

export const evolve = (state: State, event: ImportEvent): State => {
  if (event.type === 'ImportRequested') {
    return state.kind === 'none' ? { kind: 'open', request: event.data, progress: null, password: null } : state;
  }
  if (state.kind === 'none') return state;
  switch (event.type) {
    case 'ImportPasswordGiven':
      return { ...state, password: event.data.password };
    case 'ImportProgressed': {
      const { total, done, filed, duplicates, failed, next, folders } = event.data;
      return { ...state, progress: { counts: { total, done, filed, duplicates, failed }, next, folders } };
    }
    case 'ImportFinished':
      return { ...state, kind: 'finished', password: null };
    case 'ImportFailed':
      return { ...state, kind: 'failed', password: null };
    case 'ImportCancelled':
      return { ...state, kind: 'cancelled', password: null };
    default:
      return state;
  }
};
