/** Web Push (RFC 8030): browsers that are told what happens while their user has no live stream open. */
import * as t from 'io-ts';
import { described } from '../json-schema.ts';
import { SubscriptionId } from '../ids.ts';
import { defineRoute, type Route } from './route.ts';

const BASE64URL = /^[\w-]+={0,2}$/;

/** Bytes in base64url, so many of them. */
const bytesOf = (length: number, what: string): t.Type<string> =>
  described(
    new t.Type<string>(
      what,
      (u): u is string => typeof u === 'string' && BASE64URL.test(u) && Buffer.from(u, 'base64url').length === length,
      (u, c) =>
        typeof u === 'string' && BASE64URL.test(u) && Buffer.from(u, 'base64url').length === length
          ? t.success(u)
          : t.failure(u, c, `must be ${what}: ${length} bytes in base64url`),
      t.identity,
    ),
    { type: 'string' },
  );

const Endpoint = described(
  new t.Type<string>(
    'URL',
    (u): u is string => typeof u === 'string' && isEndpoint(u),
    (u, c) => (typeof u === 'string' && isEndpoint(u) ? t.success(u) : t.failure(u, c, 'must be a URL of at most 2000 characters')),
    t.identity,
  ),
  { type: 'string', format: 'uri', maxLength: 2000 },
);
const isEndpoint = (text: string): boolean => text.length <= 2000 && URL.canParse(text);

/** As `PushSubscription.toJSON()` of a browser gives it; further fields are ignored. */
export const PushSubscriptionRequest = t.readonly(
  t.type({
    endpoint: Endpoint,
    keys: t.readonly(t.type({ p256dh: bytesOf(65, 'a P-256 public key'), auth: bytesOf(16, 'a secret') })),
  }),
);
export const PushSubscriptionCreated = t.readonly(t.type({ id: SubscriptionId }));
export const PushServerKey = t.readonly(
  t.type({
    /** `applicationServerKey` of `pushManager.subscribe`. */
    publicKey: t.string,
  }),
);

const shared = { tag: 'Notifications' } as const;

export const getPushKey = defineRoute({
  ...shared,
  id: 'getPushKey',
  method: 'GET',
  path: '/api/push-subscriptions/key',
  summary: 'The key that a browser subscribes with (VAPID, RFC 8292).',
  response: PushServerKey,
});

export const subscribeToPush = defineRoute({
  ...shared,
  id: 'subscribeToPush',
  method: 'POST',
  path: '/api/push-subscriptions',
  summary:
    'Tells this browser of messages, new rooms and friend requests while you have no live stream open. The same endpoint again renews its keys; one endpoint is one user’s, the last one’s who subscribed.',
  body: PushSubscriptionRequest,
  response: PushSubscriptionCreated,
  errors: [422],
});

export const unsubscribeFromPush = defineRoute({
  ...shared,
  id: 'unsubscribeFromPush',
  method: 'DELETE',
  path: '/api/push-subscriptions/{subscriptionId}',
  summary: 'Tells this browser no more; one that was not told is no fault.',
  params: t.readonly(t.type({ subscriptionId: SubscriptionId })),
});

export const pushRoutes: readonly Route[] = [getPushKey, subscribeToPush, unsubscribeFromPush];
