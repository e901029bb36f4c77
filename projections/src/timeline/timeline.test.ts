import type { TidingsEvent } from '@tidings/contracts/events/index';
import { derivedId, type MessageId, type RoomId, type UserId } from '@tidings/contracts/ids';
import { SHREDDED } from '@tidings/contracts/sealed';
import { timestamp } from '@tidings/contracts/time';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openProjectionBench, recorded, type Instance, type RunningProjection } from '../../../tests/kit/projection.ts';
import { messageView } from '../chat-view/index.ts';
import { ada, bob, created, cyd, group, joins, leaves, pair } from '../chat-view/testing/room-events.ts';
import { entriesById, latestEntry, page, type PageStart, timeline, viewer } from './index.ts';

const id = (n: number): MessageId => derivedId<MessageId>('message', n);

const registered = (userId: UserId, displayName: string): TidingsEvent => ({
  type: 'UserRegistered',
  data: { userId, displayName, email: null, role: 'USER' },
});
const says = (senderId: UserId, roomId: RoomId, n: number): TidingsEvent => ({
  type: 'MessageSent',
  data: {
    roomId,
    messageId: id(n),
    senderId,
    body: { type: 'Text', text: `message ${n} \u0000 "quoted" \\ 😀 \ud83d` },
    mentions: [],
    threadId: null,
  },
});

let bench: RunningProjection;
beforeAll(async () => {
  bench = await openProjectionBench();
});
afterAll(() => bench.close());

const given = async (events: readonly TidingsEvent[], everyMs?: number): Promise<Instance> => {
  const instance = await bench.fresh(timeline);
  await instance.apply(recorded(events, everyMs), 3);
  return instance;
};
const read = async (instance: Instance, room: RoomId, start: PageStart = { type: 'newest' }, limit = 25, reader: UserId | 'all' = 'all') =>
  (await bench.read.any(page(instance.schema, room, reader, start, limit))).map(messageView);
const seqs = async (...asked: Parameters<typeof read>) => (await read(...asked)).map((message) => message.seq);

describe('the timeline', () => {
  it('keeps messages and room changes in one order without gaps', async () => {
    const instance = await given([
      registered(cyd, 'Cyd'),
      created(group, 'Group', [ada, bob]),
      says(ada, group, 1),
      joins(cyd, group),
      says(cyd, group, 2),
      leaves(cyd, group, 'Group'),
    ]);
    expect(await read(instance, group)).toMatchObject([
      {
        seq: 4,
        msgType: 'RoomChange',
        senderId: cyd,
        msgBody: { type: 'UserLeft', related_user: { displayName: 'Cyd', membershipStatus: 'Left' } },
      },
      { seq: 3, msgType: 'Text', messageId: id(2), msgBody: { text: 'message 2 \u0000 "quoted" \\ 😀 \ud83d' } },
      { seq: 2, msgType: 'RoomChange', msgBody: { type: 'UserJoined', related_user: { displayName: 'Cyd', membershipStatus: 'Joined' } } },
      { seq: 1, senderId: ada, createdAt: timestamp(Date.UTC(2026, 0, 1, 0, 0, 3)) },
    ]);
    const [left, , joined] = await read(instance, group);
    expect(left?.msgBody).toHaveProperty('related_user.joinedAt', joined?.createdAt);
  });

  it('says nothing about leaving a private room, and hides what was before from who came back', async () => {
    const instance = await given([
      created(pair, 'Single', [ada, bob]),
      says(ada, pair, 1),
      leaves(bob, pair, 'Single'),
      joins(bob, pair, bob),
      says(ada, pair, 2),
    ]);
    expect(await seqs(instance, pair)).toEqual([2, 1]);
    const seen = await bench.read.one(viewer(instance.schema, pair, bob));
    expect(seen).toEqual({ visibleAfter: 1, roomType: 'Single' });
    expect(await seqs(instance, pair, { type: 'newest' }, 25, bob)).toEqual([2]);
    expect(await seqs(instance, pair, { type: 'newest' }, 25, cyd), 'not for strangers').toEqual([]);
  });

  it('shows a group newcomer all of it, and nothing to who is not there', async () => {
    const instance = await given([
      created(group, 'Group', [ada, bob]),
      says(ada, group, 1),
      joins(cyd, group),
      leaves(bob, group, 'Group'),
    ]);
    expect(await bench.read.one(viewer(instance.schema, group, cyd))).toEqual({ visibleAfter: 0, roomType: 'Group' });
    expect(await bench.read.any(viewer(instance.schema, group, bob))).toEqual([]);
    expect(await bench.read.any(viewer(instance.schema, pair, ada))).toEqual([]);
  });

  it('pages before, after and by time without skipping or repeating, also within one instant', async () => {
    const many = Array.from({ length: 20 }, (_, n) => says(ada, group, n));
    const instance = await given([created(group, 'Group', [ada, bob]), ...many], 0.3); // three or four to a millisecond
    expect(await seqs(instance, group, { type: 'before', place: 9 }, 3)).toEqual([8, 7, 6]);
    expect(await seqs(instance, group, { type: 'after', place: 9 }, 3)).toEqual([12, 11, 10]);

    const all: number[] = [];
    let at = timestamp(Date.UTC(2027, 0, 1));
    for (;;) {
      const found = await read(instance, group, { type: 'earlierThan', at }, 5);
      const last = found.at(-1);
      if (last === undefined) break;
      all.push(...found.map((message) => message.seq));
      at = last.createdAt;
    }
    expect(all).toEqual(Array.from({ length: 20 }, (_, n) => 20 - n));
  });

  it('finds entries by id and the latest one', async () => {
    const instance = await given([created(group, 'Group', [ada, bob]), says(ada, group, 1), says(bob, group, 2)]);
    const found = await bench.read.any(entriesById(instance.schema, [id(2), id(99)]));
    expect(found).toMatchObject([{ messageId: id(2), seq: 2 }]);
    expect(await bench.read.one(latestEntry(instance.schema, group))).toEqual({ seq: 2, messageId: id(2) });
  });

  it('forgets a closed group, and what was still on its way to it', async () => {
    const instance = await given([
      created(group, 'Group', [ada, bob]),
      says(ada, group, 1),
      leaves(bob, group, 'Group'),
      leaves(ada, group, 'Group'),
      { type: 'RoomClosed', data: { roomId: group } },
      says(ada, group, 2),
    ]);
    expect(await instance.dump()).toEqual([]);
  });

  it('keeps the place of an erased message', async () => {
    const erased: TidingsEvent = {
      type: 'MessageSent',
      data: { roomId: group, messageId: id(1), senderId: ada, body: SHREDDED, mentions: [], threadId: null },
    };
    expect(await read(await given([created(group, 'Group', [ada, bob]), erased]), group)).toMatchObject([
      { seq: 1, erased: true, msgBody: { text: '' } },
    ]);
  });

  it('is the same whatever the pages were', async () => {
    const events = recorded([
      registered(cyd, 'Cyd'),
      created(group, 'Group', [ada, bob]),
      created(pair, 'Single', [ada, bob]),
      ...Array.from({ length: 30 }, (_, n) => says(n % 2 === 0 ? ada : bob, n % 3 === 0 ? pair : group, n)),
      joins(cyd, group),
      leaves(bob, pair, 'Single'),
      says(ada, group, 31),
      leaves(cyd, group, 'Group'),
    ]);
    const [one, other] = await Promise.all([bench.fresh(timeline), bench.fresh(timeline)]);
    await one.apply(events, 1);
    await other.apply(events, 500);
    const rows = await one.dump();
    expect(rows.length).toBeGreaterThan(30);
    expect(await other.dump()).toEqual(rows);
  });
});
