import type { TidingsEvent } from '@tidings/contracts/events/index';
import { derivedId, type LabelId, type MailboxId, type ThreadId, type UserId } from '@tidings/contracts/ids';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openProjectionBench, recorded, type Instance, type RunningProjection } from '../../../tests/kit/projection.ts';
import { labelsAmong, labelsOf, sharesOf, threadMarks } from './index.ts';

const ada = derivedId<UserId>('ada');
const [sales, help] = [derivedId<MailboxId>('sales'), derivedId<MailboxId>('help')];
const threadId = derivedId<ThreadId>('thread');
const labelNo = (n: number): LabelId => derivedId<LabelId>('label', n);

const label = (type: 'LabelCreated' | 'LabelChanged', n: number, name: string, mailboxId = sales): TidingsEvent => ({
  type,
  data: { mailboxId, labelId: labelNo(n), name, color: '#E3E3FD', description: null, auto: false, by: ada },
});
const deleted = (n: number): TidingsEvent => ({ type: 'LabelDeleted', data: { mailboxId: sales, labelId: labelNo(n), by: ada } });
const shared = (role: 'viewer' | 'editor'): TidingsEvent => ({
  type: 'ThreadShared',
  data: { threadId, mailboxId: help, role, assignees: [], heldBy: [sales], by: ada },
});
const unshared: TidingsEvent = { type: 'ThreadUnshared', data: { threadId, mailboxId: help, heldBy: [sales], by: ada } };

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

const story = [
  label('LabelCreated', 1, 'b'),
  label('LabelCreated', 2, 'A\u0000'),
  label('LabelCreated', 3, 'other', help),
  shared('viewer'),
];

describe('what stands beside threads', () => {
  it('are the labels of each mailbox, by name', async () => {
    const { schema } = await given(story);
    expect((await bench.read.any(labelsOf(schema, sales))).map(({ name }) => name)).toEqual(['A', 'b']);
    expect(await bench.read.any(labelsAmong(schema, [labelNo(1), labelNo(2), labelNo(9)]))).toEqual([
      { id: labelNo(2) },
      { id: labelNo(1) },
    ]);
  });

  it('are the mailboxes that have a thread from another, and what they may do', async () => {
    const sharedIn = async (events: readonly TidingsEvent[]) => bench.read.any(sharesOf((await given(events)).schema, [threadId]));
    expect(await sharedIn([...story, shared('editor')])).toEqual([{ threadId, mailboxId: help, role: 'editor' }]);
    expect(await sharedIn([...story, unshared])).toEqual([]);
  });

  it('is the same whatever the pages', async () => {
    const events = [...story, label('LabelChanged', 1, 'c'), unshared, deleted(2), shared('editor')];
    const live = await (await given(events, 1)).dump();
    for (const pageSize of [2, 3, 500]) expect(await (await given(events, pageSize)).dump()).toEqual(live);
  });
});
