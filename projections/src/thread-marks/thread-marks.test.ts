import type { TidingsEvent } from '@tidings/contracts/events/index';
import type { Place } from '@tidings/contracts/events/thread';
import { type BlobId, derivedId, type EmailId, type LabelId, type MailboxId, type ThreadId, type UserId } from '@tidings/contracts/ids';
import { SHREDDED } from '@tidings/contracts/sealed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openProjectionBench, recorded, type Instance, type RunningProjection } from '../../../tests/kit/projection.ts';
import { labelsOf, marksOn, threadMarks } from './index.ts';

const ada = derivedId<UserId>('ada');
const [sales, help] = [derivedId<MailboxId>('sales'), derivedId<MailboxId>('help')];
const threadNo = (n: number): ThreadId => derivedId<ThreadId>('thread', n);
const labelNo = (n: number): LabelId => derivedId<LabelId>('label', n);

const filed = (n: number, thread: number, more: { place?: Place; startsThread?: boolean; mailboxId?: MailboxId } = {}): TidingsEvent => ({
  type: 'EmailFiled',
  data: {
    ...{ threadId: threadNo(thread), mailboxId: sales, emailId: derivedId<EmailId>('email', n), size: 1, direction: 'in', place: 'inbox' },
    ...{ blobId: 'a'.repeat(64) as BlobId, bodyBlobId: 'b'.repeat(64) as BlobId, startsThread: false, messageIdReused: false },
    ...{ envelope: null, content: SHREDDED, ...more },
  },
});
const labelled = (thread: number, label: number, on = true, mailboxId = sales): TidingsEvent => ({
  type: 'ThreadLabelled',
  data: { threadId: threadNo(thread), mailboxId, labelId: labelNo(label), labelled: on, by: ada },
});
const label = (type: 'LabelCreated' | 'LabelChanged', n: number, name: string, mailboxId = sales): TidingsEvent => ({
  type,
  data: { mailboxId, labelId: labelNo(n), name, color: '#E3E3FD', description: null, auto: false, by: ada },
});
const deleted = (n: number): TidingsEvent => ({ type: 'LabelDeleted', data: { mailboxId: sales, labelId: labelNo(n), by: ada } });

let bench: RunningProjection;
beforeAll(async () => {
  bench = await openProjectionBench();
});
afterAll(() => bench.close());

const given = async (events: readonly TidingsEvent[], pageSize = 100): Promise<Instance> => {
  const instance = await bench.fresh(threadMarks);
  await instance.apply(recorded(events), pageSize);
  return instance;
};
const labelsOn = async ({ schema }: Instance, thread: number, mailbox = sales) =>
  (await bench.read.any(marksOn(schema, [threadNo(thread)], [mailbox]))).map(({ marked }) => marked);

const story = [
  label('LabelCreated', 1, 'b'),
  label('LabelCreated', 2, 'a\u0000'),
  label('LabelCreated', 3, 'other', help),
  filed(1, 1, { startsThread: true }),
  filed(2, 2, { startsThread: true }),
  filed(3, 1, { startsThread: true, mailboxId: help }),
  labelled(1, 1),
  labelled(1, 2),
  labelled(2, 1),
  labelled(1, 3, true, help),
];

describe('marks on threads', () => {
  it('are the labels of each mailbox, by name', async () => {
    const instance = await given(story);
    expect(await labelsOn(instance, 1)).toEqual([labelNo(2), labelNo(1)]);
    expect(await labelsOn(instance, 1, help)).toEqual([labelNo(3)]);
    expect((await bench.read.any(labelsOf(instance.schema, sales))).map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it('come off, and go with their labels, however late they were put on', async () => {
    const instance = await given([...story, labelled(1, 1, false), deleted(2), labelled(2, 2)], 1);
    expect(await labelsOn(instance, 1)).toEqual([]);
    expect(await labelsOn(instance, 2)).toEqual([labelNo(1)]);
  });

  it('go up with their threads, as lists do', async () => {
    const instance = await given([...story, filed(4, 2, { place: 'spam' }), filed(5, 1)]);
    const found = await bench.pool.query<{ thread_id: string; last_position: string }>(
      `select thread_id, last_position from ${instance.schema}.mark where mailbox_id = $1 and marked = $2 order by last_at desc, last_position desc`,
      [sales, labelNo(1)],
    );
    expect(found.rows.map(({ thread_id, last_position }) => [thread_id, Number(last_position)])).toEqual([
      [threadNo(1), 12],
      [threadNo(2), 5],
    ]);
  });

  it('need a thread in the mailbox', async () =>
    expect(await labelsOn(await given([label('LabelCreated', 1, 'a'), labelled(9, 1)]), 9)).toEqual([]));

  it('are the same whatever the pages', async () => {
    const events = [...story, labelled(1, 1, false), label('LabelChanged', 1, 'c'), labelled(1, 1), filed(6, 1), deleted(2), filed(7, 2)];
    const live = await (await given(events, 1)).dump();
    for (const pageSize of [2, 3, 500]) expect(await (await given(events, pageSize)).dump()).toEqual(live);
  });
});
