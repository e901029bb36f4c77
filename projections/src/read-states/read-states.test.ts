import type { TidingsEvent } from '@tidings/contracts/events/index';
import { derivedId, type MessageId, type RoomId, type UserId } from '@tidings/contracts/ids';
import { timestamp } from '@tidings/contracts/time';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openProjectionBench, recorded, type Instance, type RunningProjection } from '../../../tests/kit/projection.ts';
import { marksIn, marksOf, readStates, receiptsOf } from './index.ts';

const ada = derivedId<UserId>('ada');
const bob = derivedId<UserId>('bob');
const group = derivedId<RoomId>('group');
const second = (n: number) => timestamp(Date.UTC(2026, 0, 1, 0, 0, n));

const created: TidingsEvent = {
  type: 'RoomCreated',
  data: { roomId: group, roomType: 'Group', name: null, createdBy: ada, members: [ada, bob] },
};
const says = (senderId: UserId, n: number): TidingsEvent => ({
  type: 'MessageSent',
  data: {
    roomId: group,
    messageId: derivedId<MessageId>('m', n),
    senderId,
    body: { type: 'Text', text: `${n}` },
    mentions: [],
    threadId: null,
  },
});
const reads = (userId: UserId, upToSeq: number): TidingsEvent => ({
  type: 'RoomRead',
  data: { roomId: group, userId, upToSeq, upTo: null },
});
const reaches = (userId: UserId, upToSeq: number): TidingsEvent => ({
  type: 'RoomDelivered',
  data: { roomId: group, userId, upToSeq, upTo: derivedId<MessageId>('m', upToSeq) },
});
const closed: TidingsEvent = { type: 'RoomClosed', data: { roomId: group } };

let bench: RunningProjection;
beforeAll(async () => {
  bench = await openProjectionBench();
});
afterAll(() => bench.close());

const given = async (events: readonly TidingsEvent[], pageSize: number): Promise<Instance> => {
  const instance = await bench.fresh(readStates);
  await instance.apply(recorded(events), pageSize);
  return instance;
};
const marks = async (...events: readonly TidingsEvent[]) => {
  const instance = await given(events, 2);
  return new Map((await bench.read.any(marksIn(instance.schema, group))).map((mark) => [mark.userId, { seq: mark.seq, at: mark.readAt }]));
};

describe('read states', () => {
  it('know nothing of who never read', async () => {
    expect(await marks(created)).toEqual(new Map());
  });

  it('advance with what one writes', async () => {
    expect(await marks(created, says(ada, 1), says(bob, 2), says(ada, 3))).toEqual(
      new Map([
        [ada, { seq: 3, at: second(4) }],
        [bob, { seq: 2, at: second(3) }],
      ]),
    );
  });

  it('never move back', async () => {
    expect(await marks(created, says(ada, 1), says(bob, 2), reads(bob, 1))).toEqual(
      new Map([
        [ada, { seq: 1, at: second(2) }],
        [bob, { seq: 2, at: second(3) }],
      ]),
    );
  });

  it('go with a closed room', async () => {
    expect(await marks(created, says(ada, 1), reads(bob, 1), closed, reads(ada, 1))).toEqual(new Map());
  });

  it('keep each receipt, apart what reached someone and what they read', async () => {
    const said = [1, 2, 3].map((n) => says(ada, n));
    const instance = await given([created, ...said, reaches(bob, 2), reads(bob, 1), reads(bob, 2), reaches(bob, 3), reads(bob, 3)], 2);
    const of = (seq: number) => bench.read.any(receiptsOf(instance.schema, group, seq, [ada, bob]));
    expect(await of(1)).toEqual([
      { userId: bob, kind: 'read', at: second(6) },
      { userId: bob, kind: 'delivered', at: second(5) },
    ]);
    expect(await of(3)).toEqual([
      { userId: bob, kind: 'read', at: second(9) },
      { userId: bob, kind: 'delivered', at: second(8) },
    ]);
    expect(await of(4)).toEqual([]);
  });

  it('answer for one person over many rooms', async () => {
    const instance = await given([created, says(ada, 1), reads(bob, 1)], 10);
    expect(await bench.read.any(marksOf(instance.schema, bob, [group, derivedId<RoomId>('other')]))).toEqual([
      { roomId: group, userId: bob, seq: 1, readAt: second(3) },
    ]);
  });

  it('are the same whatever the pages were', async () => {
    const events = [
      created,
      says(ada, 1),
      says(bob, 2),
      reads(ada, 2),
      says(bob, 3),
      reads(bob, 1),
      reads(ada, 1),
      reaches(ada, 3),
      reaches(ada, 2),
    ];
    const dumps = await Promise.all([1, 3, 100].map(async (pageSize) => (await given(events, pageSize)).dump()));
    expect(dumps[1]).toEqual(dumps[0]);
    expect(dumps[2]).toEqual(dumps[0]);
    const andClosed = await Promise.all(
      [1, 100].map(async (pageSize) => (await given([...events, closed, reads(ada, 3), reaches(ada, 3), says(ada, 4)], pageSize)).dump()),
    );
    expect(andClosed).toEqual([[], []]);
  });
});
