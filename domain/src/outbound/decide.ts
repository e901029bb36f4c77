/**
 * One mail on its way out (architecture §5): recorded before it is acted on, per recipient. The stream is the arbiter between senders that do
 * not know of each other: an attempt begins only for those recipients for whom none is under way.
 */
import type { Fate, OutboundRecipient } from '@tidings/contracts/events/outbound';
import type { AttemptId, BlobId, EmailId, MailboxId, ThreadId, UserId } from '@tidings/contracts/ids';
import { isShredded } from '@tidings/contracts/sealed';
import type { Timestamp } from '@tidings/contracts/time';
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import { sameValue } from '../same-value.ts';
import { distinct } from './distinct.ts';
import {
  emailQueued,
  type OutboundEvent,
  recipientsAcknowledged,
  recipientsCancelled,
  recipientsComplained,
  recipientsDeferred,
  recipientsDelivered,
  recipientsDeliveredInternally,
  recipientsDismissed,
  recipientsFailed,
  recipientsOutcomeUnknown,
  recipientsReported,
  recipientsRetried,
  transmissionBegun,
} from './events.ts';
import { evolve, type Queued, type RecipientState, type State } from './state.ts';

/** What became of an attempt for some recipients. The sentence in `reply` is the server's, or ours. */
export type Outcome = { readonly recipients: readonly number[] } & (
  | {
      readonly type: 'delivered';
      readonly host: string;
      readonly tls: string | null;
      readonly reply: string;
      readonly enhancedCode: string | null;
    }
  | { readonly type: 'internal'; readonly receivedAs: EmailId }
  | {
      readonly type: 'deferred';
      readonly host: string | null;
      readonly reply: string;
      readonly enhancedCode: string | null;
      readonly retryAt: Timestamp;
      readonly attempted: boolean;
    }
  | { readonly type: 'failed'; readonly host: string | null; readonly reply: string; readonly enhancedCode: string | null }
  | { readonly type: 'unknown'; readonly reply: string; readonly retryAt: Timestamp | null }
);

/** What another server wrote back about some recipients. */
export type Report = { readonly recipients: readonly number[] } & (
  | {
      readonly type: 'fate';
      readonly fate: Fate;
      readonly host: string | null;
      readonly reply: string;
      readonly enhancedCode: string | null;
    }
  | { readonly type: 'complaint'; readonly feedback: string }
  | { readonly type: 'receipt'; readonly disposition: string; readonly isAutomatic: boolean }
);

export type Command =
  | {
      readonly type: 'Queue';
      readonly emailId: EmailId;
      readonly mailboxId: MailboxId;
      readonly threadId: ThreadId;
      /** Durable already; the whole message without a Bcc field, which is sent as it is. */
      readonly rawBlobId: BlobId;
      readonly size: number;
      readonly messageId: string;
      /** The mailbox's own address; empty for mail that must never be answered by a bounce. */
      readonly envelopeFrom: string;
      /** An address that comes twice counts as it came first. */
      readonly recipients: readonly OutboundRecipient[];
      readonly queuedBy: UserId | null;
    }
  /** Asked right before the bytes are sent. The state afterwards tells for which of them this attempt is the one. */
  | {
      readonly type: 'BeginTransmission';
      readonly attemptId: AttemptId;
      readonly recipients: readonly number[];
      readonly host: string;
      readonly leaseToken: string;
    }
  /** What comes too late, because another attempt is under way or it is over, is left out. */
  | { readonly type: 'RecordOutcomes'; readonly attemptId: AttemptId; readonly outcomes: readonly Outcome[] }
  /** A mail that came back, and was proven to be about this one. The same one again changes nothing. */
  | { readonly type: 'RecordReports'; readonly reportId: EmailId; readonly reportBlobId: BlobId; readonly reports: readonly Report[] }
  | { readonly type: 'RetryRecipient' | 'CancelRecipient' | 'DismissRecipient'; readonly recipient: number; readonly by: UserId };

export type Rejection =
  | { readonly type: 'NoRecipients' }
  /** The id stands for another mail. */
  | { readonly type: 'QueuedDifferently'; readonly emailId: EmailId }
  | { readonly type: 'NoSuchRecipient' }
  | { readonly type: 'BeingSent' }
  | { readonly type: 'AlreadyDelivered' }
  | { readonly type: 'NothingToCancel' }
  | { readonly type: 'NothingToDismiss' };

export const decide = (command: Command, state: State): Either<Rejection, readonly OutboundEvent[]> => {
  if (command.type === 'Queue') return queue(command, state);
  if (state.kind === 'none') return left({ type: 'NoSuchRecipient' });
  switch (command.type) {
    case 'BeginTransmission': {
      const { attemptId, host, leaseToken } = command;
      const recipients = those(state, command.recipients, (one) => awaits(one, attemptId));
      return right(recipients.length === 0 ? [] : [transmissionBegun({ ...ofEmail(state), attemptId, recipients, host, leaseToken })]);
    }
    case 'RecordOutcomes': {
      const events: OutboundEvent[] = [];
      let at: State = state;
      for (const outcome of command.outcomes) {
        const event: OutboundEvent | null = at.kind === 'none' ? null : recorded(at, command.attemptId, outcome);
        if (event === null) continue;
        events.push(event);
        at = evolve(at, event);
      }
      return right(events);
    }
    case 'RecordReports':
      return right(reported(command, state));
    case 'RetryRecipient':
    case 'CancelRecipient':
    case 'DismissRecipient':
      return personal(command, state);
  }
};

const queue = (command: Extract<Command, { readonly type: 'Queue' }>, state: State): Either<Rejection, readonly OutboundEvent[]> => {
  const { type: _, ...fields } = command;
  const recipients = distinct(command.recipients);
  if (state.kind === 'none') {
    if (recipients.length === 0) return left({ type: 'NoRecipients' });
    return right([emailQueued({ ...fields, recipients, recipientCount: recipients.length })]);
  }
  const same =
    state.rawBlobId === command.rawBlobId &&
    state.mailboxId === command.mailboxId &&
    (isShredded(state.addresses) || sameValue(state.addresses, recipients));
  return same ? right([]) : left({ type: 'QueuedDifferently', emailId: command.emailId });
};

/** Commands of people. */
const personal = (
  { type, recipient, by }: Extract<Command, { readonly recipient: number }>,
  state: Queued,
): Either<Rejection, readonly OutboundEvent[]> => {
  const is = state.recipients[recipient];
  if (is === undefined) return left({ type: 'NoSuchRecipient' });
  const data = { ...ofEmail(state), recipients: [recipient], by };
  switch (type) {
    case 'RetryRecipient':
      if (is.status === 'queued') return right([]);
      if (is.status === 'sending') return left({ type: 'BeingSent' });
      if (is.status === 'delivered' || is.status === 'internal' || is.status === 'delayed') return left({ type: 'AlreadyDelivered' });
      return right([recipientsRetried(data)]);
    case 'CancelRecipient':
      if (is.status === 'cancelled') return right([]);
      if (is.status === 'sending') return left({ type: 'BeingSent' });
      return isDueSometime(is) ? right([recipientsCancelled(data)]) : left({ type: 'NothingToCancel' });
    case 'DismissRecipient':
      if (is.dismissed) return right([]);
      return isPointedAt(is) ? right([recipientsDismissed(data)]) : left({ type: 'NothingToDismiss' });
  }
};

/** Its thread says so until somebody has seen it. */
const isPointedAt = ({ status }: RecipientState): boolean => status === 'failed' || status === 'unknown' || status === 'delayed';

const reported = (
  { reportId, reportBlobId, reports }: Extract<Command, { readonly type: 'RecordReports' }>,
  state: Queued,
): readonly OutboundEvent[] => {
  const told = new Set<number>();
  return reports.flatMap((report): readonly OutboundEvent[] => {
    const recipients = those(state, report.recipients, (one) => one.lastReport !== reportId).filter((at) => !told.has(at));
    for (const at of recipients) told.add(at);
    const common = { ...ofEmail(state), reportId, reportBlobId };
    if (recipients.length === 0) return [];
    if (report.type === 'complaint') return [recipientsComplained({ ...common, recipients, feedback: report.feedback })];
    if (report.type === 'receipt') {
      const { disposition, isAutomatic } = report;
      return [recipientsAcknowledged({ ...common, recipients, disposition, isAutomatic })];
    }
    const { fate, host, reply, enhancedCode } = report;
    const moved = those(state, recipients, (one) => isMovedBy(one, fate));
    const noted = recipients.filter((at) => !moved.includes(at));
    return [
      { moves: true, recipients: moved },
      { moves: false, recipients: noted },
    ]
      .filter((event) => event.recipients.length > 0)
      .map((event) => recipientsReported({ ...common, ...event, fate, host, reply, enhancedCode }));
  });
};

/**
 * A report may be faster than the record of the delivery that it follows. Where another try of ours is due its outcome counts, and what failed,
 * was cancelled or is in a mailbox of ours stays so.
 */
const isMovedBy = ({ status }: RecipientState, fate: Fate): boolean => {
  if (status === 'sending' || status === 'unknown' || status === 'delivered') return true;
  return status === 'delayed' && fate !== 'delayed';
};

const recorded = (state: Queued, attemptId: AttemptId, outcome: Outcome): OutboundEvent | null => {
  const recipients = those(state, outcome.recipients, (one) => concludes(one, attemptId, outcome.type));
  if (recipients.length === 0) return null;
  const common = { ...ofEmail(state), attemptId, recipients };
  switch (outcome.type) {
    case 'delivered': {
      const { host, tls, reply, enhancedCode } = outcome;
      return recipientsDelivered({ ...common, host, tls, reply, enhancedCode });
    }
    case 'internal':
      return recipientsDeliveredInternally({ ...common, receivedAs: outcome.receivedAs });
    case 'deferred': {
      const { host, reply, enhancedCode, retryAt, attempted } = outcome;
      return recipientsDeferred({ ...common, host, reply, enhancedCode, retryAt, attempted });
    }
    case 'failed': {
      const { host, reply, enhancedCode } = outcome;
      return recipientsFailed({ ...common, host, reply, enhancedCode });
    }
    case 'unknown':
      return recipientsOutcomeUnknown({ ...common, reply: outcome.reply, retryAt: outcome.retryAt });
  }
};

/** Something will be tried for it without anybody's doing. */
const isDueSometime = (one: RecipientState): boolean =>
  one.status === 'queued' || one.status === 'deferred' || (one.status === 'unknown' && one.retryAt !== null);

/** No attempt is under way, and this one is not over already. */
const awaits = (one: RecipientState, attemptId: AttemptId): boolean => isDueSometime(one) && one.lastAttempt !== attemptId;

/**
 * Under way it takes any outcome of its own attempt, and what was thought lost may still be told. An attempt that ended before any bytes were
 * sent had not begun.
 */
const concludes = (one: RecipientState, attemptId: AttemptId, outcome: Outcome['type']): boolean => {
  if (one.status === 'sending') return one.lastAttempt === attemptId;
  if (outcome === 'unknown') return false;
  return (one.status === 'unknown' && one.lastAttempt === attemptId) || awaits(one, attemptId);
};

const those = (state: Queued, recipients: readonly number[], which: (one: RecipientState) => boolean): readonly number[] =>
  [...new Set(recipients)].filter((at) => {
    const one = state.recipients[at];
    return one !== undefined && which(one);
  });

const ofEmail = ({ emailId, mailboxId, threadId }: Queued): Pick<Queued, 'emailId' | 'mailboxId' | 'threadId'> => ({
  emailId,
  mailboxId,
  threadId,
});
