/** Webhooks (chat-contract §6): addresses of back ends that are told what happens, signed and repeated until they take it. */
import * as t from 'io-ts';
import { nullable, oneOf, text } from '../codec.ts';
import { EventId, UserId, WebhookId } from '../ids.ts';
import { described } from '../json-schema.ts';
import { Timestamp } from '../time.ts';
import { liveEventTypes } from './live.ts';
import { intParam } from './query.ts';
import { defineRoute, type Route } from './route.ts';

/** Someone without an open live stream should be told by other means. */
export const PUSH_REQUESTED = 'push.requested';

/**
 * A mail came in and is not filed yet: the webhook is asked, and the mail waits for its answer, at most 48 hours. A 2xx answer with
 * `{"action":"drop"}` drops it, one with `{"isSpam":true}` or `false` decides where it goes; any other 2xx consents.
 */
export const INBOUND_MAIL = 'mail.inbound';

/** What a webhook can be told: the hand-off of pushes, mail before it is filed, and every live event by its name. */
export const webhookEventTypes: readonly string[] = [PUSH_REQUESTED, INBOUND_MAIL, ...liveEventTypes.filter((type) => type !== 'Resync')];

const EventNames = described(
  new t.Type<readonly string[]>(
    'event names',
    (u): u is readonly string[] => isEventNames(u),
    (u, c) => (isEventNames(u) ? t.success([...new Set(u)]) : t.failure(u, c, `must be an array of: ${webhookEventTypes.join(', ')}`)),
    t.identity,
  ),
  { type: 'array', items: { type: 'string', enum: [...webhookEventTypes] }, minItems: 1 },
);
const isEventNames = (u: unknown): u is readonly string[] =>
  Array.isArray(u) && u.length > 0 && u.every((name) => typeof name === 'string' && webhookEventTypes.includes(name));

export const RegisterWebhook = t.readonly(
  t.intersection([
    t.type({ url: text(1, 2000), events: EventNames }),
    t.partial({
      /** Signs what is sent; made for you when left out. */
      secret: text(16, 200),
    }),
  ]),
);

const webhook = { id: WebhookId, url: t.string, events: t.readonlyArray(t.string), createdAt: Timestamp, createdBy: UserId };
export const Webhook = t.readonly(t.type(webhook));
export type Webhook = t.TypeOf<typeof Webhook>;
/** Told once, as the webhook is registered. */
export const RegisteredWebhook = t.readonly(t.type({ ...webhook, secret: t.string }));

export const DeliveryState = oneOf('waiting', 'dead');
export const WebhookDelivery = t.readonly(
  t.type({
    id: EventId,
    /** The `type` of its body. */
    type: t.string,
    state: DeliveryState,
    attempts: t.number,
    createdAt: Timestamp,
    lastAttemptAt: nullable(Timestamp),
    lastError: nullable(t.string),
    /** Null for a dead letter. */
    nextAttemptAt: nullable(Timestamp),
  }),
);
export type WebhookDelivery = t.TypeOf<typeof WebhookDelivery>;

/** The body of a call, as `Tidings-Signature: v1=<hex>` signs it: HMAC-SHA256 with the secret over `<Tidings-Timestamp>.<body>`. */
export const WebhookCall = t.readonly(t.type({ id: EventId, type: t.string, createdAt: Timestamp, data: t.UnknownRecord }));

export const DELIVERIES_PAGE = 100;

const shared = { tag: 'Webhooks', errors: [403] } as const;
const params = t.readonly(t.type({ webhookId: WebhookId }));

export const registerWebhook = defineRoute({
  ...shared,
  id: 'registerWebhook',
  method: 'POST',
  path: '/api/admin/webhooks',
  summary: 'Registers an address that is told of these events from now on. For administrators. The answer holds the secret, this once.',
  body: RegisterWebhook,
  response: RegisteredWebhook,
  errors: [403, 422],
});

export const listWebhooks = defineRoute({
  ...shared,
  id: 'listWebhooks',
  method: 'GET',
  path: '/api/admin/webhooks',
  summary: 'All webhooks, oldest first.',
  response: t.readonlyArray(Webhook),
});

export const removeWebhook = defineRoute({
  ...shared,
  id: 'removeWebhook',
  method: 'DELETE',
  path: '/api/admin/webhooks/{webhookId}',
  summary: 'Tells this address nothing more; what waits for it is thrown away.',
  params,
  errors: [403, 404],
});

export const listDeliveries = defineRoute({
  ...shared,
  id: 'listDeliveries',
  method: 'GET',
  path: '/api/admin/webhooks/{webhookId}/deliveries',
  summary:
    'What has not been taken yet: `waiting` for its next attempt, or `dead` after the last one. Oldest first; `after` is the last one’s id.',
  params,
  query: t.partial({ state: DeliveryState, after: EventId, limit: intParam(1, DELIVERIES_PAGE) }),
  response: t.readonlyArray(WebhookDelivery),
  errors: [403, 404],
});

export const retryDelivery = defineRoute({
  ...shared,
  id: 'retryDelivery',
  method: 'POST',
  path: '/api/admin/webhooks/{webhookId}/deliveries/{deliveryId}/retry',
  summary: 'Tries it again now, and for as long as a new one.',
  params: t.readonly(t.type({ webhookId: WebhookId, deliveryId: EventId })),
  errors: [403, 404],
});

export const webhookRoutes: readonly Route[] = [registerWebhook, listWebhooks, removeWebhook, listDeliveries, retryDelivery];
