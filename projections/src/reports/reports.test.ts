import type { TidingsEvent } from '@tidings/contracts/events/index';
import { derivedId, type MessageId, type ReportId, type RoomId, type UserId } from '@tidings/contracts/ids';
import { SHREDDED, type Sealed } from '@tidings/contracts/sealed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openProjectionBench, recorded, type Instance, type RunningProjection } from '../../../tests/kit/projection.ts';
import { type ReportPage, reports, reportsPage } from './index.ts';

const [ada, bob, cyd] = ['ada', 'bob', 'cyd'].map((name) => derivedId<UserId>(name)) as [UserId, UserId, UserId];
const idOf = (n: number): ReportId => derivedId<ReportId>('report', n);

const reported = (n: number, reportedBy: UserId, reason: Sealed<string> = `Reason ${n}\u0000`): TidingsEvent => ({
  type: 'MessageReported',
  data: {
    ...{ reportId: idOf(n), roomId: derivedId<RoomId>('room'), messageId: derivedId<MessageId>('message', n) },
    ...{ senderId: cyd, reportedBy, reason },
  },
});
const resolved = (n: number, outcome: 'dismissed' | 'removed'): TidingsEvent => ({
  type: 'ReportResolved',
  data: { reportId: idOf(n), by: bob, outcome },
});
const erased = (userId: UserId): TidingsEvent => ({ type: 'SubjectErased', data: { userId, by: bob } });

let bench: RunningProjection;
beforeAll(async () => {
  bench = await openProjectionBench();
});
afterAll(() => bench.close());

const given = async (events: readonly TidingsEvent[], pageSize = 100): Promise<Instance> => {
  const instance = await bench.fresh(reports);
  await instance.apply(recorded(events), pageSize);
  return instance;
};
const listed = async ({ schema }: Instance, asked: Partial<ReportPage> = {}) =>
  bench.read.any(reportsPage(schema, { state: null, after: null, limit: 10, ...asked }));

describe('reports', () => {
  it('are listed as they came, by what became of them, page by page', async () => {
    const instance = await given([reported(1, ada), reported(2, bob), reported(3, ada), resolved(2, 'removed')]);
    const all = await listed(instance);
    expect(all.map(({ reason, outcome, resolvedBy }) => [reason, outcome, resolvedBy])).toEqual([
      ['Reason 1', null, null],
      ['Reason 2', 'removed', bob],
      ['Reason 3', null, null],
    ]);
    expect(await listed(instance, { state: 'open' })).toEqual([all[0], all[2]]);
    expect(await listed(instance, { state: 'resolved' })).toEqual([all[1]]);
    const [first] = await listed(instance, { limit: 1 });
    expect(first).toEqual(all[0]);
    if (first !== undefined) expect(await listed(instance, { after: { at: first.reportedAt, id: first.id } })).toEqual(all.slice(1));
  });

  it('lose the words of who is erased, as in a replay that cannot read them', async () => {
    const story = (reason?: Sealed<string>) => [
      reported(1, ada, reason),
      reported(2, bob),
      resolved(1, 'dismissed'),
      erased(ada),
      erased(cyd),
    ];
    const live = await (await given(story())).dump();
    expect(await (await given(story(), 1)).dump()).toEqual(live);
    expect(await (await given(story(SHREDDED))).dump()).toEqual(live);
  });
});
