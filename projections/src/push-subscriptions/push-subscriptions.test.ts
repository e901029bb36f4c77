import type { TidingsEvent } from '@tidings/contracts/events/index';
import { derivedId, type SubscriptionId, type UserId } from '@tidings/contracts/ids';
import { SHREDDED } from '@tidings/contracts/sealed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openProjectionBench, recorded, type RunningProjection } from '../../../tests/kit/projection.ts';
import { anySubscription, pushSubscriptions, subscriptionById, subscriptionsOf } from './index.ts';

const ada = derivedId<UserId>('ada');
const bob = derivedId<UserId>('bob');
const idOf = (userId: UserId, browser: string): SubscriptionId => derivedId<SubscriptionId>('sub', userId, browser);
const subscribed = (userId: UserId, browser: string, auth = 'auth'): TidingsEvent => ({
  type: 'PushSubscribed',
  data: { subscriptionId: idOf(userId, browser), userId, endpoint: `https://push.example.org/${browser}`, keys: { p256dh: 'key', auth } },
});
const unsubscribed = (userId: UserId, browser: string): TidingsEvent => ({
  type: 'PushUnsubscribed',
  data: { subscriptionId: idOf(userId, browser), userId },
});

let bench: RunningProjection;
beforeAll(async () => {
  bench = await openProjectionBench();
});
afterAll(() => bench.close());

const given = async (...events: readonly TidingsEvent[]) => {
  const instance = await bench.fresh(pushSubscriptions);
  await instance.apply(recorded(events), 2);
  const shown = async (...users: readonly UserId[]) =>
    (await bench.read.any(subscriptionsOf(instance.schema, users))).map(({ id, auth }) => [id, auth]).toSorted();
  return { ...instance, shown };
};

describe('push subscriptions', () => {
  it('are had by user, with the keys given last', async () => {
    const { schema, shown } = await given(subscribed(ada, 'phone'), subscribed(ada, 'laptop'), subscribed(ada, 'phone', 'new'));
    expect(await shown(ada, bob)).toEqual(
      [
        [idOf(ada, 'phone'), 'new'],
        [idOf(ada, 'laptop'), 'auth'],
      ].toSorted(),
    );
    expect(await bench.read.one(subscriptionById(schema, idOf(ada, 'phone')))).toMatchObject({ userId: ada, auth: 'new' });
    expect(await bench.read.one(anySubscription(schema))).toEqual({ any: true });
  });

  it('belong to the last one who subscribed at an endpoint', async () => {
    const { shown } = await given(subscribed(ada, 'shared'), subscribed(bob, 'shared'), unsubscribed(ada, 'shared'));
    expect(await shown(ada)).toEqual([]);
    expect(await shown(bob)).toHaveLength(1);
  });

  it('end when the user says so, and with the user', async () => {
    const erased: TidingsEvent = { type: 'SubjectErased', data: { userId: bob, by: bob } };
    const shredded: TidingsEvent = {
      type: 'PushSubscribed',
      data: { subscriptionId: idOf(bob, 'old'), userId: bob, endpoint: SHREDDED, keys: SHREDDED },
    };
    const { schema, shown } = await given(
      subscribed(ada, 'phone'),
      shredded,
      subscribed(bob, 'phone 2'),
      unsubscribed(ada, 'phone'),
      erased,
    );
    expect(await shown(ada, bob)).toEqual([]);
    expect(await bench.read.one(anySubscription(schema))).toEqual({ any: false });
  });
});
