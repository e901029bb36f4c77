import type { TidingsEvent } from '@tidings/contracts/events/index';
import { samples } from '@tidings/contracts/events/samples';
import { derivedId, type MessageId, type RoomId, type UserId } from '@tidings/contracts/ids';
import { START } from '@tidings/contracts/ports/event-log';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openProjectionBench, recorded, type RunningProjection } from '../../../tests/kit/projection.ts';
import { FACT_TYPES, factsBehind, userFacts, usersOf } from './index.ts';

const [ada, bob, cyd] = ['ada', 'bob', 'cyd'].map((name) => derivedId<UserId>(name)) as [UserId, UserId, UserId];
const roomId = derivedId<RoomId>('room');
const says = (senderId: UserId, n: number, mentions: readonly UserId[] = []): TidingsEvent => ({
  type: 'MessageSent',
  data: { roomId, messageId: derivedId<MessageId>('m', n), senderId, body: { type: 'Text', text: 'Hi' }, mentions, threadId: null },
});

let bench: RunningProjection;
beforeAll(async () => {
  bench = await openProjectionBench();
});
afterAll(() => bench.close());

it('knows the places of everybody’s own facts, page by page', async () => {
  const events = recorded([
    { type: 'RoomCreated', data: { roomId, roomType: 'Group', name: null, createdBy: ada, members: [ada, bob] } },
    says(ada, 1, [bob]),
    says(bob, 2),
    { type: 'MessageDeleted', data: { roomId, messageId: derivedId<MessageId>('m', 2), senderId: bob, deletedBy: ada } },
    { type: 'RoomClosed', data: { roomId } },
    says(ada, 3),
  ]);
  for (const pageSize of [1, 4, 100]) {
    const { schema, apply } = await bench.fresh(userFacts);
    await apply(events, pageSize);
    const placesOf = async (user: UserId, after = START, limit = 100) =>
      (await bench.read.any(factsBehind(schema, user, 0, after, limit))).map(({ position }) => Number(position));
    expect(await Promise.all([ada, bob, cyd].map((user) => placesOf(user)))).toEqual([[1, 2, 4, 6], [1, 3, 4], []]);
    expect(await placesOf(ada, events[1]?.position, 1)).toEqual([4]);
  }
});

it('finds someone in every event that it is about', () => {
  for (const type of FACT_TYPES) {
    const event = { type, data: samples[type] } as TidingsEvent; // samples are by type
    expect([type, usersOf(event).size]).not.toEqual([type, 0]);
  }
  expect([...usersOf({ type: 'RoomClosed', data: { roomId } })]).toEqual([]);
});
