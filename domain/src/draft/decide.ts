/**
 * A mail while it is written (mail-contract §3). Several may write on it: each save names the revision it was made on, so nobody's words are
 * overwritten unseen. Taking it back and sending it off meet in this one stream, where one of them wins.
 */
import type { DraftContent, DraftSummary, OutgoingEnvelope } from '@tidings/contracts/events/draft';
import type { BlobId, DraftId, EmailId, MailboxId, ThreadId, UserId } from '@tidings/contracts/ids';
import type { Timestamp } from '@tidings/contracts/time';
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import { sameValue } from '../same-value.ts';
import { draftDiscarded, draftDispatched, type DraftEvent, draftSaved, draftSendUndone, draftSubmitted } from './events.ts';
import type { Saved, State } from './state.ts';

export interface Outgoing {
  readonly emailId: EmailId;
  readonly rawBlobId: BlobId;
  readonly size: number;
  readonly messageId: string;
  readonly sendAt: Timestamp;
  readonly envelope: OutgoingEnvelope;
}

export type Command =
  /** `basedOn`: the revision that its writer saw; 0 begins a draft. */
  | {
      readonly type: 'SaveDraft';
      readonly draftId: DraftId;
      readonly mailboxId: MailboxId;
      readonly basedOn: number;
      readonly threadId: ThreadId | null;
      readonly summary: DraftSummary;
      readonly content: DraftContent | null;
      readonly contentBlobId: BlobId | null;
      readonly attachmentIds: readonly BlobId[];
      readonly by: UserId;
    }
  | { readonly type: 'DiscardDraft'; readonly draftId: DraftId; readonly by: UserId }
  /** `revision`: what was composed; 0 for a message that was handed over whole. `scheduled`: for a time that its sender chose. */
  | ({
      readonly type: 'SubmitDraft';
      readonly draftId: DraftId;
      readonly mailboxId: MailboxId;
      readonly revision: number;
      readonly scheduled: boolean;
      readonly by: UserId;
    } & Outgoing)
  | { readonly type: 'UndoSend'; readonly draftId: DraftId; readonly by: UserId }
  | { readonly type: 'DispatchDraft'; readonly draftId: DraftId; readonly submission: number; readonly threadId: ThreadId };

export type Rejection =
  | { readonly type: 'NoSuchDraft' }
  /** Somebody saved in the meantime. */
  | { readonly type: 'DraftChangedMeanwhile' }
  | { readonly type: 'DraftBeingSent' }
  | { readonly type: 'DraftSent' };

type Decided = Either<Rejection, readonly DraftEvent[]>;

export const decide = (command: Command, state: State): Decided => {
  switch (command.type) {
    case 'SaveDraft':
      return save(command, state);
    case 'DiscardDraft': {
      if (state.kind === 'discarded') return right([]);
      if (state.kind !== 'open') return left(notOpen(state));
      const { mailboxId, threadId, blobIds } = state.saved;
      return right([draftDiscarded({ draftId: command.draftId, mailboxId, threadId, releases: blobIds, by: command.by })]);
    }
    case 'SubmitDraft':
      return submit(command, state);
    case 'UndoSend': {
      if (state.kind === 'open') return right([]);
      if (state.kind === 'none' || state.kind === 'discarded') return left({ type: 'NoSuchDraft' });
      if (state.kind === 'dispatched') return left({ type: 'DraftSent' });
      const { mailboxId, threadId, submission, rawBlobId } = state.submission;
      const { draftId, by } = command;
      return right([draftSendUndone({ draftId, mailboxId, threadId, submission, releases: [rawBlobId], by })]);
    }
    case 'DispatchDraft': {
      const { draftId, submission, threadId } = command;
      if (state.kind === 'dispatched' && state.submission.submission === submission) return right([]);
      if (state.kind !== 'submitted' || state.submission.submission !== submission) return left({ type: 'NoSuchDraft' });
      const { mailboxId, emailId } = state.submission;
      return right([draftDispatched({ draftId, mailboxId, submission, emailId, threadId, releases: state.saved?.blobIds ?? [] })]);
    }
  }
};

const notOpen = (state: State): Rejection => {
  if (state.kind === 'submitted') return { type: 'DraftBeingSent' };
  return { type: state.kind === 'dispatched' ? 'DraftSent' : 'NoSuchDraft' };
};

const save = (command: Extract<Command, { readonly type: 'SaveDraft' }>, state: State): Decided => {
  const { draftId, mailboxId, basedOn, threadId, summary, content, contentBlobId, attachmentIds, by } = command;
  if (state.kind !== 'open' && !(state.kind === 'none' && basedOn === 0)) return left(notOpen(state));
  const before = state.kind === 'open' ? state.saved : null;
  if (before !== null && isSame(before, command)) return right([]);
  if (before !== null && before.revision !== basedOn) return left({ type: 'DraftChangedMeanwhile' });
  const blobIds = [...new Set([...(contentBlobId === null ? [] : [contentBlobId]), ...attachmentIds])];
  return right([
    draftSaved({
      draftId,
      mailboxId,
      movedFrom: before === null || before.mailboxId === mailboxId ? null : before.mailboxId,
      revision: basedOn + 1,
      threadId,
      summary,
      content,
      contentBlobId,
      blobIds,
      releases: (before?.blobIds ?? []).filter((blob) => !blobIds.includes(blob)),
      by,
    }),
  ]);
};

/** The summary and the list of blobs follow from the content. */
const isSame = (saved: Saved, { mailboxId, threadId, content, contentBlobId }: Extract<Command, { readonly type: 'SaveDraft' }>): boolean =>
  saved.mailboxId === mailboxId &&
  saved.threadId === threadId &&
  saved.contentBlobId === contentBlobId &&
  sameValue(saved.content, content);

const submit = (command: Extract<Command, { readonly type: 'SubmitDraft' }>, state: State): Decided => {
  const { draftId, mailboxId, revision, scheduled, emailId, rawBlobId, size, messageId, sendAt, envelope, by } = command;
  // Sent twice, perhaps at once: the first one counts.
  if (state.kind === 'submitted' || state.kind === 'dispatched') {
    const { submission } = state;
    const isSameOne = submission.revision === revision && (!scheduled || submission.sendAt === sendAt);
    return isSameOne ? right([]) : left(notOpen(state));
  }
  if (state.kind === 'discarded' || (state.kind === 'none') !== (revision === 0)) return left({ type: 'NoSuchDraft' });
  if (state.kind === 'open' && state.saved.revision !== revision) return left({ type: 'DraftChangedMeanwhile' });
  const threadId = state.kind === 'open' ? state.saved.threadId : null;
  const submission = state.kind === 'open' ? state.submissions + 1 : 1;
  return right([
    draftSubmitted({
      ...{ draftId, mailboxId, submission, revision, emailId, threadId, rawBlobId, size, messageId, sendAt, envelope, by },
    }),
  ]);
};
