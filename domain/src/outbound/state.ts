import type { Fate, OutboundRecipient } from '@tidings/contracts/events/outbound';
import type { AttemptId, BlobId, EmailId, MailboxId, ThreadId } from '@tidings/contracts/ids';
import { isShredded, type Sealed } from '@tidings/contracts/sealed';
import type { Timestamp } from '@tidings/contracts/time';
import { normalForm } from './distinct.ts';
import type { OutboundEvent } from './events.ts';

/** Where the mail is for one recipient. */
export type Progress =
  | { readonly status: 'queued' }
  | { readonly status: 'sending'; readonly leaseToken: string }
  | { readonly status: 'deferred'; readonly retryAt: Timestamp }
  /** It may have arrived or not. Null: nobody tries again unless a person says so. */
  | { readonly status: 'unknown'; readonly retryAt: Timestamp | null }
  /** Taken by another server, which tells that it could not pass it on so far. */
  | { readonly status: 'delayed' }
  | { readonly status: 'delivered' | 'internal' | 'failed' | 'cancelled' };

interface History {
  /** How often a server was tried, in all. */
  readonly attempts: number;
  /** How many retries of the schedule are used up. */
  readonly retries: number;
  readonly lastAttempt: AttemptId | null;
  readonly dismissed: boolean;
  /** The last mail that told of it. */
  readonly lastReport: EmailId | null;
}
export type RecipientState = Progress & History;

export interface Queued {
  readonly kind: 'queued';
  readonly emailId: EmailId;
  readonly mailboxId: MailboxId;
  readonly threadId: ThreadId;
  readonly rawBlobId: BlobId;
  readonly size: number;
  readonly messageId: Sealed<string>;
  readonly envelopeFrom: Sealed<string>;
  readonly addresses: Sealed<readonly OutboundRecipient[]>;
  /** In the order of `addresses`. */
  readonly recipients: readonly RecipientState[];
}
export type State = { readonly kind: 'none' } | Queued;

export const initial: State = { kind: 'none' };

const FRESH: RecipientState = { status: 'queued', attempts: 0, retries: 0, lastAttempt: null, dismissed: false, lastReport: null };

export const evolve = (state: State, event: OutboundEvent): State => {
  switch (event.type) {
    case 'EmailQueued': {
      if (state.kind !== 'none') return state;
      const { emailId, mailboxId, threadId, rawBlobId, size, messageId, envelopeFrom, recipients, recipientCount } = event.data;
      const fresh = Array.from({ length: recipientCount }, () => FRESH);
      return {
        ...{ kind: 'queued', emailId, mailboxId, threadId, rawBlobId, size, messageId, envelopeFrom },
        ...{ addresses: recipients, recipients: fresh },
      };
    }
    case 'TransmissionBegun': {
      const { recipients, attemptId, leaseToken } = event.data;
      return change(state, recipients, (was) => ({ ...tried(was, attemptId), status: 'sending', leaseToken }));
    }
    case 'RecipientsDelivered':
      return change(state, event.data.recipients, (was) => ({ ...tried(was, event.data.attemptId), status: 'delivered' }));
    case 'RecipientsDeliveredInternally':
      return change(state, event.data.recipients, (was) => ({ ...tried(was, event.data.attemptId), status: 'internal' }));
    case 'RecipientsFailed':
      return change(state, event.data.recipients, (was) => ({ ...tried(was, event.data.attemptId), status: 'failed' }));
    case 'RecipientsDeferred': {
      const { recipients, attemptId, retryAt, attempted } = event.data;
      return change(state, recipients, (was) =>
        attempted
          ? { ...tried(was, attemptId), status: 'deferred', retryAt, retries: was.retries + 1 }
          : { ...kept(was), lastAttempt: attemptId, status: 'deferred', retryAt },
      );
    }
    case 'RecipientsOutcomeUnknown': {
      const { recipients, attemptId, retryAt } = event.data;
      return change(state, recipients, (was) => ({ ...tried(was, attemptId), status: 'unknown', retryAt }));
    }
    case 'RecipientsRetried':
      return change(state, event.data.recipients, (was) => ({ ...kept(was), status: 'queued', retries: 0, dismissed: false }));
    case 'RecipientsCancelled':
      return change(state, event.data.recipients, (was) =>
        was.status === 'unknown' ? { ...was, retryAt: null } : { ...kept(was), status: 'cancelled' },
      );
    case 'RecipientsDismissed':
      return change(state, event.data.recipients, (was) => ({ ...was, dismissed: true }));
    case 'RecipientsReported': {
      const { recipients, reportId: lastReport, fate, moves } = event.data;
      return change(state, recipients, (was) =>
        moves ? { ...kept(was), status: statusAfter(fate), dismissed: false, lastReport } : { ...was, lastReport },
      );
    }
    case 'RecipientsComplained':
    case 'RecipientsAcknowledged':
      return change(state, event.data.recipients, (was) => ({ ...was, lastReport: event.data.reportId }));
    default:
      return state;
  }
};

const statusAfter = (fate: Fate): 'failed' | 'delayed' | 'delivered' => (fate === 'failed' || fate === 'delayed' ? fate : 'delivered');

const change = (state: State, recipients: readonly number[], to: (was: RecipientState) => RecipientState): State => {
  if (state.kind === 'none') return state;
  const changed = [...state.recipients];
  for (const at of recipients) {
    const was = changed[at];
    if (was !== undefined) changed[at] = to(was);
  }
  return { ...state, recipients: changed };
};

/** What stays whatever the progress is. */
const kept = ({ attempts, retries, lastAttempt, dismissed, lastReport }: RecipientState): History => ({
  ...{ attempts, retries, lastAttempt, dismissed, lastReport },
});

/** An attempt counts once, however many events tell of it. */
const tried = (was: RecipientState, attemptId: AttemptId): History => ({
  ...kept(was),
  attempts: was.lastAttempt === attemptId ? was.attempts : was.attempts + 1,
  lastAttempt: attemptId,
});

/** The place of an address among the recipients, null when it is none of them or they are forgotten. */
export const recipientAt = (state: State, address: string): number | null => {
  if (state.kind === 'none' || isShredded(state.addresses)) return null;
  const at = state.addresses.findIndex((one) => normalForm(one.address) === normalForm(address));
  return at < 0 ? null : at;
};
