/** Mail that is brought along from elsewhere: asked for once, carried on from where it stands, and ended once (mail-contract §3). */
import type { ImportCounts, ImportError, ImportFailure, ImportFolder } from '@tidings/contracts/events/import';
import type { ImportId, MailboxId, UserId } from '@tidings/contracts/ids';
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import { sameValue } from '../same-value.ts';
import {
  importCancelled,
  type ImportEvent,
  importFailed,
  importFinished,
  importPasswordGiven,
  importProgressed,
  importRequested,
} from './events.ts';
import { nothingDone, type Request, type State } from './state.ts';

export type Command =
  /** `password` for an IMAP server alone. */
  | { readonly type: 'RequestImport'; readonly request: Request; readonly password: string | null }
  | {
      readonly type: 'RecordProgress';
      readonly importId: ImportId;
      readonly mailboxId: MailboxId;
      readonly counts: ImportCounts;
      readonly next: number;
      readonly folders: readonly ImportFolder[];
      /** Those since the last time. */
      readonly failures: readonly ImportFailure[];
    }
  | { readonly type: 'FinishImport'; readonly importId: ImportId; readonly mailboxId: MailboxId }
  | { readonly type: 'FailImport'; readonly importId: ImportId; readonly mailboxId: MailboxId; readonly error: ImportError }
  | { readonly type: 'CancelImport'; readonly importId: ImportId; readonly mailboxId: MailboxId; readonly by: UserId };

export type Rejection =
  | { readonly type: 'NoSuchImport'; readonly importId: ImportId }
  | { readonly type: 'ImportIdReused'; readonly importId: ImportId };

export const decide = (command: Command, state: State): Either<Rejection, readonly ImportEvent[]> => {
  if (command.type === 'RequestImport') {
    const { request, password } = command;
    if (state.kind !== 'none') {
      const isSame = state.request.mailboxId === request.mailboxId && sameValue(state.request.source, request.source);
      return isSame ? right([]) : left({ type: 'ImportIdReused', importId: request.importId });
    }
    const { importId } = request;
    return right([importRequested(request), ...(password === null ? [] : [importPasswordGiven({ importId, password })])]);
  }
  const { importId, mailboxId } = command;
  if (state.kind === 'none') return left({ type: 'NoSuchImport', importId });
  const counts = state.progress?.counts ?? nothingDone;
  switch (command.type) {
    case 'RecordProgress': {
      const { next, folders, failures } = command;
      // What was being filed as somebody cancelled it still counts; after any other end nothing comes.
      if (state.kind === 'finished' || state.kind === 'failed') return right([]);
      // Nobody who fell behind takes anything back.
      if (state.progress !== null && command.counts.done < state.progress.counts.done) return right([]);
      if (sameValue(state.progress, { counts: command.counts, next, folders })) return right([]);
      return right([importProgressed({ importId, mailboxId, ...command.counts, next, folders, failures })]);
    }
    case 'FinishImport':
      return right(state.kind === 'open' ? [importFinished({ importId, mailboxId, ...counts })] : []);
    case 'FailImport':
      return right(state.kind === 'open' ? [importFailed({ importId, mailboxId, ...counts, error: command.error })] : []);
    case 'CancelImport':
      return right(state.kind === 'open' ? [importCancelled({ importId, mailboxId, ...counts, by: command.by })] : []);
  }
};
