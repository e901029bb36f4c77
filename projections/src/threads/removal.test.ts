/** What a page holds together and what it forgets comes out alike however the log is cut. */
import type { TidingsEvent } from '@tidings/contracts/events/index';
import type { Keywords } from '@tidings/contracts/events/thread';
import { type BlobId, derivedId, type EmailId, type MailboxId, type ThreadId, type UserId } from '@tidings/contracts/ids';
import type { Projection } from '@tidings/contracts/projection';
import { SHREDDED } from '@tidings/contracts/sealed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openProjectionBench, recorded, type RunningProjection } from '../../../tests/kit/projection.ts';
import { emails } from '../emails/index.ts';
import { storage } from '../storage/index.ts';
import { threadMarks } from '../thread-marks/index.ts';
import { countsOf, threads, threadsIn } from './index.ts';

const ada = derivedId<UserId>('ada');
const [own, other] = [derivedId<MailboxId>('own'), derivedId<MailboxId>('other')];
const threadId = derivedId<ThreadId>('thread');
const emailNo = (n: number): EmailId => derivedId<EmailId>('email', n);

const filed = (n: number, mailboxId: MailboxId, startsThread = n === 1): TidingsEvent => ({
  type: 'EmailFiled',
  data: {
    ...{ threadId, mailboxId, emailId: emailNo(n), size: 10, direction: 'in', place: 'inbox', startsThread },
    ...{
      blobId: 'a'.repeat(64) as BlobId,
      bodyBlobId: 'b'.repeat(64) as BlobId,
      messageIdReused: false,
      envelope: null,
      content: SHREDDED,
    },
  },
});
const read = (n: number, mailboxId: MailboxId): TidingsEvent => ({
  type: 'ThreadRead',
  data: { threadId, mailboxId, upTo: emailNo(n), by: ada },
});
const marked = (n: number, mailboxId: MailboxId, set: Keywords): TidingsEvent => ({
  type: 'EmailKeywordsSet',
  data: { threadId, mailboxId, emailId: emailNo(n), set, by: ada },
});
const shared: TidingsEvent = {
  type: 'ThreadShared',
  data: { threadId, mailboxId: other, role: 'viewer', assignees: [ada], heldBy: [own], by: ada },
};
const removal = (emailIds: readonly EmailId[], left: number, mailboxId = own) => ({
  ...{ threadId, mailboxId, emailIds, bytes: 10 * emailIds.length, left, heldBy: [own] },
  remainder: left === 0 ? null : { snippet: 'What is left', participants: [], hasAttachments: false },
});
const destroyed = (numbers: readonly number[], left: number, mailboxId = own): TidingsEvent => ({
  type: 'EmailsDestroyed',
  data: { ...removal(numbers.map(emailNo), left, mailboxId), by: null },
});
const unshared: TidingsEvent = { type: 'ThreadUnshared', data: { threadId, mailboxId: other, heldBy: [own], by: ada } };

/** As a thread decides it: what is shared is filed there, and then said to be shared. */
const story = [
  ...[filed(1, own), filed(2, own), filed(1, other), filed(2, other), shared, read(2, own), read(1, other)],
  ...[marked(1, own, { $seen: false, $flagged: true }), marked(2, other, { $seen: true }), filed(3, own), filed(3, other), unshared],
];
const again = [
  ...[filed(1, other), filed(3, other), shared, marked(1, own, { $seen: true })],
  ...[marked(3, other, { $answered: true }), read(3, own)],
];

let bench: RunningProjection;
beforeAll(async () => {
  bench = await openProjectionBench();
});
afterAll(() => bench.close());

const given = async (projection: Projection, events: readonly TidingsEvent[], pageSize: number) => {
  const instance = await bench.fresh(projection);
  await instance.apply(recorded(events), pageSize);
  return instance;
};

describe.each([threads, emails, threadMarks, storage])('$name', (projection) => {
  it('is the same whatever the pages, also where a thread is taken back and shared again', async () => {
    const live = await (await given(projection, [...story, ...again], 1)).dump();
    for (const pageSize of [2, 5, 500]) expect(await (await given(projection, [...story, ...again], pageSize)).dump()).toEqual(live);
  });

  it('is the same whatever the pages, also where emails are destroyed and others come', async () => {
    const lost = [...story, destroyed([2], 2), filed(4, own), marked(3, own, { $seen: true }), destroyed([1, 3], 1), filed(5, own)];
    const live = await (await given(projection, lost, 1)).dump();
    for (const pageSize of [2, 5, 500]) expect(await (await given(projection, lost, pageSize)).dump()).toEqual(live);
    expect(live.filter((row) => [1, 2, 3].some((n) => row.includes(emailNo(n))) && row.includes(own))).toEqual([]);
  });

  it('keeps nothing of a thread of which every email is destroyed', async () => {
    const lost = [...story, destroyed([1, 2], 1), destroyed([3], 0)];
    const dump = await (await given(projection, lost, 500)).dump();
    expect(dump.filter((row) => row.includes(threadId) && row.includes(own))).toEqual([]);
  });

  it('keeps nothing of a thread that is taken back', async () => {
    const dump = await (await given(projection, story, 500)).dump();
    expect(dump.filter((row) => row.includes(other) && row.includes(threadId))).toEqual([]);
  });
});

it('counts no thread that is taken back, and the exceptions to how far one is read', async () => {
  const counts = async (events: readonly TidingsEvent[], mailbox: MailboxId) => {
    const { schema } = await given(threads, events, 500);
    return (await bench.read.any(countsOf(schema, [mailbox])))[0]?.views.all;
  };
  expect(await counts(story, other)).toEqual({ threads: 0, unread: 0 });
  expect(await counts([...story, ...again], other)).toEqual({ threads: 1, unread: 1 });
  expect(await counts(story.slice(0, 7), own)).toEqual({ threads: 1, unread: 0 });
  expect(await counts(story.slice(0, 8), own)).toEqual({ threads: 1, unread: 1 });
  expect(await counts([...story, ...again], own)).toEqual({ threads: 1, unread: 0 });
});

it('shows of a thread what is left of it, and counts that', async () => {
  const lost = [filed(1, own), filed(2, own), filed(3, own), read(1, own), destroyed([3], 2)];
  const { schema } = await given(threads, lost, 500);
  const [row] = await bench.read.any(threadsIn(schema, [threadId], [own]));
  expect(row).toMatchObject({ snippet: 'What is left', inInbox: 2, unreadMain: 1 });
  expect(row?.lastAt).toBe(recorded(lost)[1]?.recordedAt);
  expect(row?.keyAt).toBe(recorded(lost)[2]?.recordedAt); // its place in lists stays
  expect((await bench.read.any(countsOf(schema, [own])))[0]?.views.all).toEqual({ threads: 1, unread: 1 });
});
