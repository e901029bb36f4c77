import type { TidingsEvent } from '@tidings/contracts/events/index';
import { type AttemptId, type BlobId, derivedId, type EmailId, type MailboxId, type ThreadId, type UserId } from '@tidings/contracts/ids';
import { SHREDDED } from '@tidings/contracts/sealed';
import { timestamp } from '@tidings/contracts/time';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Instance, openProjectionBench, recorded, type RunningProjection } from '../../../tests/kit/projection.ts';
import { deliveries, deliveriesOf, deliveryView, openDeliveries } from './index.ts';

const [mailboxId, other] = [derivedId<MailboxId>('box'), derivedId<MailboxId>('other')];
const [threadId, quiet] = [derivedId<ThreadId>('thread'), derivedId<ThreadId>('quiet')];
const by = derivedId<UserId>('ada');
const [one, two] = [derivedId<AttemptId>('one'), derivedId<AttemptId>('two')];
const mail = (emailId: EmailId, thread = threadId) => ({ emailId, mailboxId, threadId: thread });
const emailId = derivedId<EmailId>('email');

const queued = (id: EmailId, addresses: readonly string[], thread = threadId): TidingsEvent => ({
  type: 'EmailQueued',
  data: {
    ...mail(id, thread),
    ...{ rawBlobId: 'a'.repeat(64) as BlobId, size: 10, messageId: 'm', envelopeFrom: 'ada@tidings.test', queuedBy: by },
    recipients: addresses.map((address, at) => ({ address, kind: at === 1 ? ('bcc' as const) : ('to' as const) })),
    recipientCount: addresses.length,
  },
});
const attempt = (attemptId: AttemptId, ...recipients: readonly number[]) => ({ ...mail(emailId), attemptId, recipients });
const said = { host: 'mx.example.org', enhancedCode: null };

let bench: RunningProjection;
beforeAll(async () => {
  bench = await openProjectionBench();
});
afterAll(() => bench.close());

const given = async (events: readonly TidingsEvent[], pageSize = 500): Promise<Instance> => {
  const instance = await bench.fresh(deliveries);
  await instance.apply(recorded(events), pageSize);
  return instance;
};
const shown = async ({ schema }: Instance, id = emailId, viewer = mailboxId) =>
  (await bench.read.any(deliveriesOf(schema, [id]))).flatMap((row) => deliveryView(row, viewer));

const story: readonly TidingsEvent[] = [
  queued(emailId, ['bob@example.org', 'eve@example.org', 'carol@example.com']),
  { type: 'TransmissionBegun', data: { ...attempt(one, 0, 1), host: 'mx.example.org', leaseToken: 't' } },
  { type: 'RecipientsDelivered', data: { ...attempt(one, 0), ...said, tls: 'TLSv1.3 dane', reply: '250 2.0.0 ok', enhancedCode: '2.0.0' } },
  { type: 'RecipientsDeferred', data: { ...attempt(one, 1), ...said, reply: '450 later', retryAt: timestamp(900_000), attempted: true } },
  { type: 'RecipientsFailed', data: { ...attempt(two, 2), ...said, host: null, reply: '550 5.1.1 no', enhancedCode: '5.1.1' } },
];

it('shows what became of each recipient, whatever the pages', async () => {
  for (const pageSize of [1, 2, 500]) {
    expect(await shown(await given(story, pageSize))).toMatchObject([
      {
        recipient: 'bob@example.org',
        kind: 'to',
        status: 'delivered',
        attempts: 1,
        tls: 'TLSv1.3 dane',
        mx: 'mx.example.org',
        nextAttemptAt: null,
      },
      {
        recipient: 'eve@example.org',
        kind: 'bcc',
        status: 'deferred',
        attempts: 1,
        lastReply: '450 later',
        nextAttemptAt: timestamp(900_000),
      },
      { recipient: 'carol@example.com', status: 'failed', lastReply: '550 5.1.1 no', enhancedCode: '5.1.1', dismissed: false },
    ]);
  }
});

it('tells of secret recipients to the mailbox that sent it alone', async () => {
  expect((await shown(await given(story), emailId, other)).map(({ recipient }) => recipient)).toEqual([
    'bob@example.org',
    'carol@example.com',
  ]);
});

it('says of a thread what is under way, and first what went wrong', async () => {
  const open = async ({ schema }: Instance) => bench.read.any(openDeliveries(schema, [threadId, quiet]));
  const dismissed: TidingsEvent = { type: 'RecipientsDismissed', data: { ...mail(emailId), recipients: [2], by } };
  const cancelled: TidingsEvent = { type: 'RecipientsCancelled', data: { ...mail(emailId), recipients: [1], by } };
  expect(await open(await given(story.slice(0, 1)))).toEqual([{ threadId, delivery: 'pending' }]);
  expect(await open(await given(story))).toEqual([{ threadId, delivery: 'failed' }]);
  expect(await open(await given([...story, dismissed]))).toEqual([{ threadId, delivery: 'pending' }]);
  expect(await open(await given([...story, dismissed, cancelled]))).toEqual([]);
  const unknown: TidingsEvent = { type: 'RecipientsOutcomeUnknown', data: { ...attempt(one, 1), reply: 'lost', retryAt: null } };
  expect(await open(await given([...story.slice(0, 3), unknown]))).toEqual([{ threadId, delivery: 'failed' }]);
});

it('shows what came back: it moves the status or is noted, and a complaint stands beside it', async () => {
  const report = { reportId: derivedId<EmailId>('report'), reportBlobId: 'b'.repeat(64) as BlobId };
  const reported = (fate: 'failed' | 'delayed', recipient: number, moves = true): TidingsEvent => ({
    type: 'RecipientsReported',
    data: { ...mail(emailId), ...report, recipients: [recipient], fate, moves, host: 'relay', reply: '552 full', enhancedCode: '5.2.2' },
  });
  const complained: TidingsEvent = {
    type: 'RecipientsComplained',
    data: { ...mail(emailId), ...report, recipients: [0], feedback: 'abuse' },
  };
  const [bob] = await shown(await given([...story, reported('failed', 0), complained]));
  expect(bob).toMatchObject({
    ...{ status: 'failed', lastReply: '552 full', enhancedCode: '5.2.2', mx: 'mx.example.org', deliveredAt: expect.any(String) },
    ...{ report: { fate: 'failed', by: 'relay', at: expect.any(String) }, complaint: { feedback: 'abuse', at: expect.any(String) } },
  });
  const [, eve] = await shown(await given([...story, reported('failed', 1, false)]));
  expect(eve).toMatchObject({ status: 'deferred', lastReply: '450 later', report: { fate: 'failed' }, complaint: null });

  // Delayed elsewhere: under way until somebody has seen it.
  const only = [story[0], story[1], story[2]].filter((event) => event !== undefined);
  const calm: readonly TidingsEvent[] = [1, 2].map((at) => ({
    type: 'RecipientsCancelled',
    data: { ...mail(emailId), recipients: [at], by },
  }));
  const late = await given([...only, ...calm, reported('delayed', 0)]);
  expect((await shown(late))[0]).toMatchObject({ status: 'deferred', nextAttemptAt: null });
  expect(await bench.read.any(openDeliveries(late.schema, [threadId]))).toEqual([{ threadId, delivery: 'pending' }]);
  const seen = await given([
    ...only,
    ...calm,
    reported('delayed', 0),
    { type: 'RecipientsDismissed', data: { ...mail(emailId), recipients: [0], by } },
  ]);
  expect(await bench.read.any(openDeliveries(seen.schema, [threadId]))).toEqual([]);
});

it('goes along when its thread is split', async () => {
  const removal = { bytes: 10, left: 1, remainder: null, heldBy: [mailboxId] };
  const split: TidingsEvent = { type: 'EmailsSplitOff', data: { threadId, mailboxId, emailIds: [emailId], ...removal, into: quiet, by } };
  const { schema } = await given([...story, split]);
  expect(await bench.read.any(openDeliveries(schema, [threadId, quiet]))).toEqual([{ threadId: quiet, delivery: 'failed' }]);
});

it('forgets what a closed mailbox sent, and knows nothing of who was erased', async () => {
  const closed: TidingsEvent = { type: 'MailboxClosed', data: { mailboxId, by } };
  expect(await shown(await given([...story, closed]))).toEqual([]);
  const [first, ...rest] = story;
  if (first?.type !== 'EmailQueued') throw new Error('the story begins otherwise');
  expect(await shown(await given([{ ...first, data: { ...first.data, recipients: SHREDDED } }, ...rest]))).toEqual([]);
});
