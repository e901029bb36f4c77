import { derivedId, type AttemptId } from '@tidings/contracts/ids';
import { SHREDDED } from '@tidings/contracts/sealed';
import { timestamp } from '@tidings/contracts/time';
import { describe, expect, it } from 'vitest';
import { specify } from '../testing/given.ts';
import { alice, blobNo, bob, emailNo, mailboxNo, threadNo } from '../testing/people.ts';
import type { Command, Outcome } from './decide.ts';
import {
  emailQueued,
  type OutboundEvent,
  recipientsCancelled,
  recipientsDeferred,
  recipientsDelivered,
  recipientsDeliveredInternally,
  recipientsDismissed,
  recipientsFailed,
  recipientsOutcomeUnknown,
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

it('recipients are found by address, in whatever case it is written', () => {
  expect(recipientAt(stateAfter(queued), 'grace@Navy.Example')).toBe(0);
  expect(recipientAt(stateAfter(queued), 'eve@example.org')).toBeNull();
  expect(recipientAt(stateAfter(), 'bob@example.org')).toBeNull();
  expect(recipientAt(stateAfter(emailQueued({ ...queued.data, recipients: SHREDDED })), 'bob@example.org')).toBeNull();
});
