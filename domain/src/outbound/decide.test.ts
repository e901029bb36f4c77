import { derivedId, type AttemptId } from '@tidings/contracts/ids';
import { SHREDDED } from '@tidings/contracts/sealed';
import { timestamp } from '@tidings/contracts/time';
import { describe, expect, it } from 'vitest';
import { specify } from '../testing/given.ts';
import { alice, blobNo, bob, emailNo, mailboxNo, threadNo } from '../testing/people.ts';
import type { Command, Outcome, Report } from './decide.ts';
import {
  emailQueued,
  type OutboundEvent,
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
import { outbound, recipientAt } from './index.ts';

const given = specify(outbound);
const ofEmail = { emailId: emailNo(1), mailboxId: mailboxNo(1), threadId: threadNo(1) };
const [first, second] = [derivedId<AttemptId>('attempt', 1), derivedId<AttemptId>('attempt', 2)];
const to = (address: string) => ({ address, kind: 'to' as const });
const mail = {
  ...ofEmail,
  rawBlobId: blobNo(1),
  size: 100,
  messageId: 'one@tidings.test',
  envelopeFrom: 'ada@tidings.test',
  queuedBy: alice,
};
const queue: Command = { type: 'Queue', ...mail, recipients: [to('Grace@navy.example'), to('bob@example.org')] };
const queued = emailQueued({ ...mail, recipients: [to('Grace@navy.example'), to('bob@example.org')], recipientCount: 2 });

const host = 'mx.example.org';
const said = { host, reply: '450 later', enhancedCode: '4.2.0' };
const begin = (attemptId: AttemptId, ...recipients: number[]): Command => ({
  type: 'BeginTransmission',
  ...{ attemptId, recipients, host, leaseToken: '1' },
});
const began = (attemptId: AttemptId, ...recipients: number[]) =>
  transmissionBegun({ ...ofEmail, attemptId, recipients, host, leaseToken: '1' });
const record = (attemptId: AttemptId, ...outcomes: Outcome[]): Command => ({ type: 'RecordOutcomes', attemptId, outcomes });
const later = { ...said, retryAt: timestamp(900_000), attempted: true };
const lost = { reply: 'the connection broke', retryAt: null };
const taken = { host, tls: null, reply: '250 ok', enhancedCode: null };

const deferred = (attemptId: AttemptId, ...recipients: number[]) => recipientsDeferred({ ...ofEmail, attemptId, recipients, ...later });
const delivered = (attemptId: AttemptId, ...recipients: number[]) => recipientsDelivered({ ...ofEmail, attemptId, recipients, ...taken });
const failed = (attemptId: AttemptId, ...recipients: number[]) => recipientsFailed({ ...ofEmail, attemptId, recipients, ...said });
const unknown = (attemptId: AttemptId, ...recipients: number[]) => recipientsOutcomeUnknown({ ...ofEmail, attemptId, recipients, ...lost });
const stateAfter = (...events: readonly OutboundEvent[]) => events.reduce(outbound.evolve, outbound.initial);
const recipientAfter = (at: number, ...events: readonly OutboundEvent[]) => {
  const state = stateAfter(...events);
  return state.kind === 'queued' ? state.recipients[at] : undefined;
};

describe('queueing', () => {
  it('is done once, for each recipient once', () => {
    given().when(queue).then(queued);
    given(queued).when(queue).thenNothing();
    given()
      .when({ ...queue, recipients: [...queue.recipients, { address: 'grace@NAVY.example', kind: 'bcc' }] })
      .then(queued);
    given(emailQueued({ ...queued.data, recipients: SHREDDED }))
      .when(queue)
      .thenNothing();
  });

  it('needs a recipient, and an id of its own', () => {
    given()
      .when({ ...queue, recipients: [] })
      .thenRejected({ type: 'NoRecipients' });
    given(queued)
      .when({ ...queue, rawBlobId: blobNo(2) })
      .thenRejected({ type: 'QueuedDifferently' });
    given(queued)
      .when({ ...queue, recipients: [to('eve@example.org')] })
      .thenRejected({ type: 'QueuedDifferently' });
    given().when(begin(first, 0)).thenRejected({ type: 'NoSuchRecipient' });
  });
});

describe('an attempt', () => {
  it('begins for those who wait, and for nobody twice', () => {
    given(queued)
      .when(begin(first, 0, 1, 1, 7))
      .then(began(first, 0, 1));
    given(queued, began(first, 0))
      .when(begin(second, 0, 1))
      .then(began(second, 1));
    given(queued, began(first, 0, 1), delivered(first, 0), failed(first, 1))
      .when(begin(second, 0, 1))
      .thenNothing();
    given(queued, began(first, 0), deferred(first, 0)).when(begin(first, 0)).thenNothing();
    given(queued, began(first, 0), deferred(first, 0)).when(begin(second, 0)).then(began(second, 0));
  });

  it('ends differently for each recipient', () => {
    given(queued, began(first, 0, 1))
      .when(record(first, { type: 'delivered', recipients: [0], ...taken }, { type: 'failed', recipients: [1], ...said }))
      .then(delivered(first, 0), failed(first, 1));
    given(queued)
      .when(record(first, { type: 'deferred', recipients: [1], ...later }))
      .then(deferred(first, 1));
    given(queued)
      .when(record(first, { type: 'internal', recipients: [1], receivedAs: emailNo(2) }))
      .then(recipientsDeliveredInternally({ ...ofEmail, attemptId: first, recipients: [1], receivedAs: emailNo(2) }));
  });

  it('cannot end what another one does, nor what is over', () => {
    const fails = record(second, { type: 'failed', recipients: [0], ...said });
    given(queued, began(first, 0)).when(fails).thenNothing();
    given(queued, began(first, 0), delivered(first, 0)).when(fails).thenNothing();
    given(queued, began(first, 0), delivered(first, 0))
      .when(record(first, { type: 'unknown', recipients: [0], ...lost }))
      .thenNothing();
    given(queued, deferred(first, 0))
      .when(record(first, { type: 'failed', recipients: [0], ...said }))
      .thenNothing();
  });

  it('may be told of when nobody counted on it any more', () => {
    given(queued, began(first, 0), unknown(first, 0))
      .when(record(first, { type: 'delivered', recipients: [0], ...taken }))
      .then(delivered(first, 0));
  });

  it('that is lost is not sent again unless it says when', () => {
    given(queued, began(first, 0), unknown(first, 0)).when(begin(second, 0)).thenNothing();
    given(queued, began(first, 0), recipientsOutcomeUnknown({ ...unknown(first, 0).data, retryAt: timestamp(0) }))
      .when(begin(second, 0))
      .then(began(second, 0));
  });

  it('counts once, and uses up a retry unless we held it back ourselves', () => {
    expect(recipientAfter(0, queued, began(first, 0), deferred(first, 0))).toMatchObject({ attempts: 1, retries: 1 });
    expect(recipientAfter(0, queued, deferred(first, 0), deferred(second, 0))).toMatchObject({ attempts: 2, retries: 2 });
    const held = recipientsDeferred({ ...deferred(first, 0).data, attempted: false });
    expect(recipientAfter(0, queued, held)).toMatchObject({ attempts: 0, retries: 0, status: 'deferred' });
  });
});

describe('people', () => {
  const by = { recipient: 0, by: bob };
  const byBob = { ...ofEmail, recipients: [0], by: bob };

  it('retry what did not get there', () => {
    for (const past of [failed(first, 0), deferred(first, 0), recipientsCancelled(byBob)]) {
      given(queued, past)
        .when({ type: 'RetryRecipient', ...by })
        .then(recipientsRetried(byBob));
    }
    given(queued, began(first, 0), unknown(first, 0))
      .when({ type: 'RetryRecipient', ...by })
      .then(recipientsRetried(byBob));
    given(queued)
      .when({ type: 'RetryRecipient', ...by })
      .thenNothing();
    given(queued, began(first, 0))
      .when({ type: 'RetryRecipient', ...by })
      .thenRejected({ type: 'BeingSent' });
    given(queued, began(first, 0), delivered(first, 0))
      .when({ type: 'RetryRecipient', ...by })
      .thenRejected({ type: 'AlreadyDelivered' });
    given(queued).when({ type: 'RetryRecipient', recipient: 2, by: bob }).thenRejected({ type: 'NoSuchRecipient' });
    const again = recipientAfter(0, queued, deferred(first, 0), recipientsDismissed(byBob), recipientsRetried(byBob));
    expect(again).toMatchObject({ status: 'queued', attempts: 1, retries: 0, dismissed: false });
  });

  it('cancel what was to be tried', () => {
    given(queued)
      .when({ type: 'CancelRecipient', ...by })
      .then(recipientsCancelled(byBob));
    given(queued, deferred(first, 0))
      .when({ type: 'CancelRecipient', ...by })
      .then(recipientsCancelled(byBob));
    given(queued, recipientsCancelled(byBob))
      .when({ type: 'CancelRecipient', ...by })
      .thenNothing();
    given(queued, began(first, 0))
      .when({ type: 'CancelRecipient', ...by })
      .thenRejected({ type: 'BeingSent' });
    given(queued, failed(first, 0))
      .when({ type: 'CancelRecipient', ...by })
      .thenRejected({ type: 'NothingToCancel' });
    given(queued, recipientsCancelled(byBob)).when(begin(first, 0)).thenNothing();
    // It may have arrived, and cancelling does not change that.
    const sentAgain = recipientsOutcomeUnknown({ ...unknown(first, 0).data, retryAt: timestamp(0) });
    const kept = recipientAfter(0, queued, began(first, 0), sentAgain, recipientsCancelled(byBob));
    expect(kept).toMatchObject({ status: 'unknown', retryAt: null });
  });

  it('dismiss what went wrong', () => {
    given(queued, failed(first, 0))
      .when({ type: 'DismissRecipient', ...by })
      .then(recipientsDismissed(byBob));
    given(queued, failed(first, 0), recipientsDismissed(byBob))
      .when({ type: 'DismissRecipient', ...by })
      .thenNothing();
    given(queued)
      .when({ type: 'DismissRecipient', ...by })
      .thenRejected({ type: 'NothingToDismiss' });
  });
});

describe('a report', () => {
  const told = { host, reply: '550 5.2.2 full', enhancedCode: '5.2.2' };
  const report = { reportId: emailNo(5), reportBlobId: blobNo(5) };
  const reports = (...all: Report[]): Command => ({ type: 'RecordReports', ...report, reports: all });
  const fate = (kind: 'failed' | 'delayed' | 'relayed', ...recipients: number[]): Report => ({
    type: 'fate',
    fate: kind,
    recipients,
    ...told,
  });
  const reported = (kind: 'failed' | 'delayed' | 'relayed', moves: boolean, ...recipients: number[]) =>
    recipientsReported({ ...ofEmail, ...report, recipients, fate: kind, moves, ...told });
  const arrived = [queued, began(first, 0, 1), delivered(first, 0, 1)] as const;

  it('moves what another server had taken, each recipient for itself', () => {
    given(...arrived)
      .when(reports(fate('failed', 0), fate('delayed', 1)))
      .then(reported('failed', true, 0), reported('delayed', true, 1));
    expect(recipientAfter(0, ...arrived, reported('failed', true, 0))).toMatchObject({ status: 'failed', attempts: 1 });
    given(...arrived, recipientsReported({ ...reported('delayed', true, 0).data, reportId: emailNo(4) }))
      .when(reports(fate('relayed', 0)))
      .then(reported('relayed', true, 0));
    expect(recipientAfter(0, ...arrived, reported('delayed', true, 0), reported('relayed', true, 0))).toMatchObject({
      status: 'delivered',
    });
    given(queued, began(first, 0), unknown(first, 0))
      .when(reports(fate('failed', 0)))
      .then(reported('failed', true, 0));
  });

  it('counts once, and the worst for a recipient that it names twice', () => {
    given(...arrived, reported('failed', true, 0))
      .when(reports(fate('failed', 0)))
      .thenNothing();
    given(...arrived)
      .when(reports(fate('failed', 0), fate('relayed', 0)))
      .then(reported('failed', true, 0));
    given(...arrived)
      .when(reports(fate('failed', 7)))
      .thenNothing();
    given()
      .when(reports(fate('failed', 0)))
      .thenRejected({ type: 'NoSuchRecipient' });
  });

  it('may be faster than the record of what it follows', () => {
    given(queued, began(first, 0), reported('failed', true, 0))
      .when(record(first, { type: 'delivered', recipients: [0], ...taken }))
      .thenNothing();
  });

  it('is only noted where a try of ours is due, or it is over', () => {
    for (const past of [[queued], [queued, deferred(first, 0)], [queued, failed(first, 0)]])
      given(...past)
        .when(reports(fate('failed', 0)))
        .then(reported('failed', false, 0));
    given(queued, deferred(first, 0), reported('failed', false, 0))
      .when(begin(second, 0))
      .then(began(second, 0));
    given(...arrived, recipientsReported({ ...reported('delayed', true, 0).data, reportId: emailNo(4) }))
      .when(reports(fate('delayed', 0)))
      .then(reported('delayed', false, 0));
  });

  it('of a failure can be tried again or dismissed, of a delay only dismissed', () => {
    const person = { recipient: 0, by: bob };
    const byBob = { ...ofEmail, recipients: [0], by: bob };
    const failure = [...arrived, reported('failed', true, 0)];
    const delay = [...arrived, reported('delayed', true, 0)];
    given(...failure)
      .when({ type: 'RetryRecipient', ...person })
      .then(recipientsRetried(byBob));
    given(...delay)
      .when({ type: 'RetryRecipient', ...person })
      .thenRejected({ type: 'AlreadyDelivered' });
    for (const past of [failure, delay])
      given(...past)
        .when({ type: 'DismissRecipient', ...person })
        .then(recipientsDismissed(byBob));
    // A later failure is news again.
    const later = recipientAfter(
      0,
      ...delay,
      recipientsDismissed(byBob),
      recipientsReported({ ...reported('failed', true, 0).data, reportId: emailNo(4) }),
    );
    expect(later).toMatchObject({ status: 'failed', dismissed: false });
  });

  it('of a complaint is kept beside the status', () => {
    given(...arrived)
      .when(reports({ type: 'complaint', recipients: [0], feedback: 'abuse' }))
      .then(recipientsComplained({ ...ofEmail, ...report, recipients: [0], feedback: 'abuse' }));
    expect(
      recipientAfter(0, ...arrived, recipientsComplained({ ...ofEmail, ...report, recipients: [0], feedback: 'abuse' })),
    ).toMatchObject({
      status: 'delivered',
    });
  });
});

it('recipients are found by address, in whatever case it is written', () => {
  expect(recipientAt(stateAfter(queued), 'grace@Navy.Example')).toBe(0);
  expect(recipientAt(stateAfter(queued), 'eve@example.org')).toBeNull();
  expect(recipientAt(stateAfter(), 'bob@example.org')).toBeNull();
  expect(recipientAt(stateAfter(emailQueued({ ...queued.data, recipients: SHREDDED })), 'bob@example.org')).toBeNull();
});
