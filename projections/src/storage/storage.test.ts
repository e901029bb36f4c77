import type { TidingsEvent } from '@tidings/contracts/events/index';
import { derivedId, type BlobId, type EmailId, type MailboxId, type ThreadId, type UserId } from '@tidings/contracts/ids';
import { SHREDDED } from '@tidings/contracts/sealed';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openProjectionBench, recorded, type Instance, type RunningProjection } from '../../../tests/kit/projection.ts';
import { largestThreads, storage, usageOf } from './index.ts';

const [box, other] = [derivedId<MailboxId>('box'), derivedId<MailboxId>('other')];
const [small, large] = [derivedId<ThreadId>('small'), derivedId<ThreadId>('large')];
const blobId = 'a'.repeat(64) as BlobId;

const filed = (mailboxId: MailboxId, threadId: ThreadId, size: number): TidingsEvent => ({
  type: 'EmailFiled',
  data: {
    threadId,
    mailboxId,
    emailId: derivedId<EmailId>('email', mailboxId, threadId, size),
    blobId,
    bodyBlobId: blobId,
    size,
    direction: 'in',
    place: 'inbox',
    startsThread: true,
    messageIdReused: false,
    envelope: SHREDDED,
    content: SHREDDED,
  },
});

let bench: RunningProjection;
beforeAll(async () => {
  bench = await openProjectionBench();
});
afterAll(() => bench.close());

const story = [filed(box, small, 10), filed(box, large, 3_000_000_000), filed(box, small, 5), filed(other, large, 7), filed(box, large, 1)];
const given = async (events: readonly TidingsEvent[], pageSize: number): Promise<Instance> => {
  const instance = await bench.fresh(storage);
  await instance.apply(recorded(events), pageSize);
  return instance;
};

it('counts what each mailbox and thread keeps, whatever the pages', async () => {
  for (const pageSize of [1, 2, 500]) {
    const { schema } = await given(story, pageSize);
    expect(await bench.read.any(usageOf(schema, box))).toEqual([{ bytes: 3_000_000_016, emails: 4 }]);
    expect(await bench.read.any(usageOf(schema, other))).toEqual([{ bytes: 7, emails: 1 }]);
    expect(await bench.read.any(largestThreads(schema, box, 1))).toEqual([{ threadId: large, bytes: 3_000_000_001, emails: 2 }]);
  }
});

it('counts no thread that is no longer shared with the mailbox', async () => {
  const unshared: TidingsEvent = {
    type: 'ThreadUnshared',
    data: { threadId: large, mailboxId: box, heldBy: [other], by: derivedId<UserId>('ada') },
  };
  for (const pageSize of [1, 500]) {
    const { schema } = await given([...story, unshared, filed(box, small, 1)], pageSize);
    expect(await bench.read.any(usageOf(schema, box))).toEqual([{ bytes: 16, emails: 3 }]);
    expect(await bench.read.any(largestThreads(schema, box, 9))).toEqual([{ threadId: small, bytes: 16, emails: 3 }]);
    expect(await bench.read.any(usageOf(schema, other))).toEqual([{ bytes: 7, emails: 1 }]);
  }
});

it('forgets a closed mailbox', async () => {
  const closed: TidingsEvent = { type: 'MailboxClosed', data: { mailboxId: box, by: derivedId<UserId>('ada') } };
  const { schema } = await given([...story, closed], 500);
  expect(await bench.read.any(usageOf(schema, box))).toEqual([]);
  expect(await bench.read.any(largestThreads(schema, box, 9))).toEqual([]);
  expect(await bench.read.any(usageOf(schema, other))).toHaveLength(1);
});
