import type { TidingsEvent } from '@tidings/contracts/events/index';
import type { MailPolicy } from '@tidings/contracts/events/notices';
import { type ConversationId, derivedId, type RoomId, type UserId } from '@tidings/contracts/ids';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openProjectionBench, recorded, type RunningProjection } from '../../../tests/kit/projection.ts';
import { isAnyWanted, mailPolicies, outsidersIn, policiesOf, roomsWanted, wantingAmong } from './index.ts';

const [ada, bob] = [derivedId<UserId>('ada'), derivedId<UserId>('bob')];
const [one, two] = [derivedId<RoomId>('one'), derivedId<RoomId>('two')];
const set = (userId: UserId, roomId: RoomId | null, policy: MailPolicy | null): TidingsEvent => ({
  type: 'MailPolicySet',
  data: { userId, roomId, policy, by: 'user' },
});
const times = (userId: UserId, ...of: readonly string[]): TidingsEvent => ({
  type: 'DigestTimesSet',
  data: { userId, timeZone: 'Europe/Paris', times: of },
});

let bench: RunningProjection;
beforeAll(async () => {
  bench = await openProjectionBench();
});
afterAll(() => bench.close());

const given = async (...events: readonly TidingsEvent[]) => {
  const { schema, apply } = await bench.fresh(mailPolicies);
  await apply(recorded(events), 2);
  return {
    of: (user: UserId) => bench.read.one(policiesOf(schema, user)),
    rooms: async () => (await bench.read.any(roomsWanted(schema, [one, two]))).map(({ roomId }) => roomId),
    outsiders: () => bench.read.any(outsidersIn(schema, [one, two])),
    any: async () => (await bench.read.one(isAnyWanted(schema))).any,
    wanting: async () => (await bench.read.any(wantingAmong(schema, [ada, bob]))).map(({ userId }) => userId),
  };
};

it('are what each said last, of a room and of the rest', async () => {
  const { of } = await given(
    ...[set(ada, null, 'digest'), set(ada, one, 'never'), set(ada, two, 'at-once'), set(ada, one, 'when-away'), set(ada, two, null)],
    ...[times(ada, '08:00'), times(ada, '09:00', '17:00')],
  );
  const digest = { timeZone: 'Europe/Paris', times: ['09:00', '17:00'] };
  expect(await of(ada)).toEqual({ standard: 'digest', digest, rooms: [{ roomId: one, policy: 'when-away' }] });
  expect(await of(bob)).toEqual({ standard: null, digest: null, rooms: [] });
});

it('tell who wants any mail at all', async () => {
  expect(await (await given(set(ada, one, 'at-once'), set(ada, null, 'digest'), set(bob, one, 'never'))).wanting()).toEqual([ada]);
  expect(await (await given(set(ada, null, 'digest'), set(ada, null, null))).wanting()).toEqual([]);
});

it('tell of which rooms, whether of all, and who takes part by mail alone', async () => {
  const issued = (outsider: boolean, userId: UserId): TidingsEvent => ({
    type: 'ReplyAddressIssued',
    data: { conversationId: one as string as ConversationId, number: 1, userId, address: 'a@example.org', outsider },
  });
  const { rooms, outsiders, any } = await given(
    set(ada, one, 'at-once'),
    set(bob, two, 'never'),
    issued(true, bob),
    issued(false, ada),
    issued(true, bob),
  );
  expect([await rooms(), await outsiders(), await any()]).toEqual([[one], [{ roomId: one, userId: bob }], false]);
  expect(await (await given(set(ada, null, 'digest'))).any()).toBe(true);
});

it('are forgotten with who is erased', async () => {
  const { of, wanting } = await given(set(ada, one, 'at-once'), times(ada, '09:00'), {
    type: 'SubjectErased',
    data: { userId: ada, by: bob },
  });
  expect([await of(ada), await wanting()]).toEqual([{ standard: null, digest: null, rooms: [] }, []]);
});
