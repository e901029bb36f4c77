import { SHREDDED } from '@tidings/contracts/sealed';
import { it } from 'vitest';
import { specify } from '../testing/given.ts';
import { alice, subscriptionNo } from '../testing/people.ts';
import { pushSubscribed, pushUnsubscribed } from './events.ts';
import { push } from './index.ts';

const given = specify(push);
const id = { subscriptionId: subscriptionNo(1), userId: alice };
const browser = { ...id, endpoint: 'https://push.example.net/1', keys: { p256dh: 'key', auth: 'secret' } };
const renewed = { ...browser, keys: { p256dh: 'new key', auth: 'new secret' } };
const subscribe = { type: 'SubscribeToPush', ...browser } as const;
const unsubscribe = { type: 'UnsubscribeFromPush', ...id } as const;
const subscribed = pushSubscribed(browser);
const unsubscribed = pushUnsubscribed(id);

it('a browser subscribes, renews its keys, and goes', () => {
  given().when(subscribe).then(subscribed);
  given(subscribed).when(subscribe).thenNothing();
  given(subscribed)
    .when({ ...subscribe, ...renewed })
    .then(pushSubscribed(renewed));
  given(subscribed).when(unsubscribe).then(unsubscribed);
  given(subscribed, unsubscribed).when(unsubscribe).thenNothing();
  given(subscribed, unsubscribed).when(subscribe).then(subscribed);
  given().when(unsubscribe).thenNothing();
});

it('nothing is kept for who was erased', () => {
  given(pushSubscribed({ ...id, endpoint: SHREDDED, keys: SHREDDED }))
    .when(subscribe)
    .thenRejected({ type: 'UserErased', userId: alice });
});
