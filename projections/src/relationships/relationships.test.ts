import type { TidingsEvent } from '@tidings/contracts/events/index';
import type { RelationshipEvent } from '@tidings/contracts/events/relationship';
import { derivedId, type UserId } from '@tidings/contracts/ids';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openProjectionBench, recorded, type Instance, type RunningProjection } from '../../../tests/kit/projection.ts';
import { blocksAmong, othersBy, relationships, relationsTo } from './index.ts';

const ada = derivedId<UserId>('ada');
const bob = derivedId<UserId>('bob');
const cyd = derivedId<UserId>('cyd');

const adaTo = (type: RelationshipEvent['type'], to: UserId = bob): TidingsEvent => ({ type, data: { by: ada, to } });
const bobTo = (type: RelationshipEvent['type'], to: UserId = ada): TidingsEvent => ({ type, data: { by: bob, to } });

let bench: RunningProjection;
beforeAll(async () => {
  bench = await openProjectionBench();
});
afterAll(() => bench.close());

const given = async (events: readonly TidingsEvent[], pageSize: number): Promise<Instance> => {
  const instance = await bench.fresh(relationships);
  await instance.apply(recorded(events), pageSize);
  return instance;
};
const relation = async (instance: Instance, user: UserId, other: UserId) =>
  (await bench.read.any(relationsTo(instance.schema, user, [other]))).map((row) => row.relation).at(0) ?? null;

describe('relationships', () => {
  it.each<[string, readonly TidingsEvent[], string | null, string | null]>([
    ['a request', [adaTo('FriendshipRequested')], 'INVITE_SENT', 'INVITE_RECEIVED'],
    ['an accepted one', [adaTo('FriendshipRequested'), bobTo('FriendshipAccepted')], 'FRIEND', 'FRIEND'],
    ['a rejected one', [adaTo('FriendshipRequested'), bobTo('FriendshipRejected')], null, null],
    ['an ended friendship', [adaTo('FriendshipAccepted'), bobTo('FriendshipEnded')], null, null],
    ['a block', [adaTo('FriendshipAccepted'), adaTo('UserBlocked')], 'CLIENT_BLOCKED', 'CLIENT_GOT_BLOCKED'],
    ['a block by both', [adaTo('UserBlocked'), bobTo('UserBlocked')], 'CLIENT_BLOCKED', 'CLIENT_BLOCKED'],
    [
      'one of two blocks lifted',
      [adaTo('UserBlocked'), bobTo('UserBlocked'), adaTo('UserUnblocked')],
      'CLIENT_GOT_BLOCKED',
      'CLIENT_BLOCKED',
    ],
    ['a block lifted', [adaTo('UserBlocked'), adaTo('UserUnblocked')], null, null],
  ])('show %s to each side as it sees it, whatever the pages were', async (_, events, toAda, toBob) => {
    for (const pageSize of [1, 100]) {
      const instance = await given(events, pageSize);
      expect(await relation(instance, ada, bob)).toBe(toAda);
      expect(await relation(instance, bob, ada)).toBe(toBob);
      if (toAda === null) expect(await instance.dump()).toEqual([]);
    }
  });

  it('tell who of pairs blocks the other', async () => {
    const one = await given([adaTo('UserBlocked')], 100);
    const pairs = [ada, bob, cyd].flatMap((user) => [ada, bob, cyd].filter((other) => other !== user).map((other) => ({ user, other })));
    expect(await bench.read.any(blocksAmong(one.schema, pairs))).toEqual([{ user: ada, other: bob }]);
    const both = await given([adaTo('UserBlocked'), bobTo('UserBlocked')], 100);
    expect(await bench.read.any(blocksAmong(both.schema, pairs))).toHaveLength(2);
    expect(await bench.read.any(blocksAmong(both.schema, [{ user: ada, other: cyd }]))).toEqual([]);
  });

  it('end with whoever is erased, on both sides, whatever the pages were', async () => {
    const erased: TidingsEvent = { type: 'SubjectErased', data: { userId: ada, by: cyd } };
    const cydAndBob: TidingsEvent = { type: 'FriendshipAccepted', data: { by: cyd, to: bob } };
    for (const pageSize of [1, 2, 100]) {
      const instance = await given([adaTo('FriendshipRequested', cyd), bobTo('UserBlocked'), cydAndBob, erased], pageSize);
      expect(await bench.read.any(othersBy(instance.schema, bob, 'CLIENT_BLOCKED'))).toEqual([]);
      expect(await bench.read.any(othersBy(instance.schema, cyd, 'FRIEND'))).toEqual([{ otherId: bob }]);
      expect(await instance.dump()).toHaveLength(2);
    }
  });

  it('list everyone who stands so', async () => {
    const instance = await given([adaTo('FriendshipAccepted'), adaTo('FriendshipRequested', cyd)], 100);
    expect(await bench.read.any(othersBy(instance.schema, ada, 'FRIEND'))).toEqual([{ otherId: bob }]);
    expect(await bench.read.any(othersBy(instance.schema, cyd, 'INVITE_RECEIVED'))).toEqual([{ otherId: ada }]);
  });
});
