import type { DraftContent, DraftSubmitted } from '@tidings/contracts/events/draft';
import type { BlobId, MailboxId, ThreadId, UserId } from '@tidings/contracts/ids';
import type { Sealed } from '@tidings/contracts/sealed';
import type { DraftEvent } from './events.ts';

/** What was saved last. */
export interface Saved {
  readonly mailboxId: MailboxId;
  readonly threadId: ThreadId | null;
  readonly revision: number;
  /** Null: it is in the blob. */
  readonly content: Sealed<DraftContent | null>;
  readonly contentBlobId: BlobId | null;
  readonly blobIds: readonly BlobId[];
  readonly by: UserId;
}

export type Submission = DraftSubmitted['data'];

export type State =
  | { readonly kind: 'none' }
  | { readonly kind: 'open'; readonly saved: Saved; readonly submissions: number }
  /** `saved` is null for a message that was handed over whole. */
  | { readonly kind: 'submitted'; readonly saved: Saved | null; readonly submission: Submission }
  | { readonly kind: 'dispatched'; readonly saved: Saved | null; readonly submission: Submission; readonly threadId: ThreadId }
  | { readonly kind: 'discarded' };

export const initial: State = { kind: 'none' };

export const evolve = (state: State, event: DraftEvent): State => {
  switch (event.type) {
    case 'DraftSaved': {
      if (state.kind !== 'none' && state.kind !== 'open') return state;
      const { mailboxId, threadId, revision, content, contentBlobId, blobIds, by } = event.data;
      const saved = { mailboxId, threadId, revision, content, contentBlobId, blobIds, by };
      return { kind: 'open', saved, submissions: state.kind === 'open' ? state.submissions : 0 };
    }
    case 'DraftDiscarded':
      return state.kind === 'dispatched' ? state : { kind: 'discarded' };
    case 'DraftSubmitted':
      if (state.kind !== 'none' && state.kind !== 'open') return state;
      return { kind: 'submitted', saved: state.kind === 'open' ? state.saved : null, submission: event.data };
    case 'DraftSendUndone':
      if (state.kind !== 'submitted') return state;
      return state.saved === null ? { kind: 'discarded' } : { kind: 'open', saved: state.saved, submissions: state.submission.submission };
    case 'DraftDispatched':
      if (state.kind !== 'submitted') return state;
      return { kind: 'dispatched', saved: state.saved, submission: state.submission, threadId: event.data.threadId };
    default:
      return state;
  }
};

/** The mailbox it is of; null when there is none any more, or never was. */
export const mailboxOf = (state: State): MailboxId | null => {
  if (state.kind === 'open') return state.saved.mailboxId;
  return state.kind === 'submitted' || state.kind === 'dispatched' ? state.submission.mailboxId : null;
};
