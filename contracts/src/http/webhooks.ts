/** Webhooks (chat-contract §6): addresses of back ends that are told what happens, signed and repeated until they take it. */
import * as t from 'io-ts';
import { nullable, oneOf, text } from '../codec.ts';
import { LabelName } from '../events/label.ts';
import { EventId, MailboxId, UserId, WebhookId } from '../ids.ts';
import { described } from '../json-schema.ts';
import { Timestamp } from '../time.ts';
import { liveEventTypes } from './live.ts';
import { intParam } from './query.ts';
import { defineRoute, type Route } from './route.ts';

/** Someone without an open live stream should be told by other means. */
export const PUSH_REQUESTED = 'push.requested';

/** A mail came in and is not filed yet: the webhook is asked, and the mail waits for a 2xx answer (`InboundAnswer`), at most 48 hours. */
export const INBOUND_MAIL = 'mail.inbound';

/** What a webhook can be told: the hand-off of pushes, mail before it is filed, and every live event by its name. */
export const webhookEventTypes: readonly string[] = [PUSH_REQUESTED, INBOUND_MAIL, ...liveEventTypes.filter((type) => type !== 'Resync')];

/** What a webhook of one mailbox can be told: its mail before it is filed, and what its members hear live. */
export const mailboxWebhookEventTypes: readonly string[] = [
  INBOUND_MAIL,
  ...['EmailReceived', 'ThreadChanged', 'DeliveryChanged', 'DraftChanged', 'CommentPosted', 'ImportProgress', 'MailboxChanged'],
];

const eventNames = (types: readonly string[]): t.Type<readonly string[]> => {
  const isEventNames = (u: unknown): u is readonly string[] =>
    Array.isArray(u) && u.length > 0 && u.every((name) => typeof name === 'string' && types.includes(name));
  return described(
    new t.Type<readonly string[]>(
      'event names',
      (u): u is readonly string[] => isEventNames(u),
      (u, c) => (isEventNames(u) ? t.success([...new Set(u)]) : t.failure(u, c, `must be an array of: ${types.join(', ')}`)),
      t.identity,
    ),
    { type: 'array', items: { type: 'string', enum: [...types] }, minItems: 1 },
  );
};

const registration = (types: readonly string[]) =>
  t.readonly(
    t.intersection([
      t.type({ url: text(1, 2000), events: eventNames(types) }),
      t.partial({
        /** Signs what is sent; made for you when left out. */
        secret: text(16, 200),
      }),
    ]),
  );
export const RegisterWebhook = registration(webhookEventTypes);
export const RegisterMailboxWebhook = registration(mailboxWebhookEventTypes);

/**
 * What the answer to `mail.inbound` may say, all of it optional; a body that is no JSON object consents. Of several webhooks one drops for all, the
 * last that minds says whether it is spam, and the rest adds up. What is done, is done in the name of who registered the webhook.
 */
export const InboundAnswer = t.readonly(
  t.partial({
    /** `drop`: it is filed nowhere. Anything else consents. */
    action: t.string,
    isSpam: nullable(t.boolean),
    /** By name; those that the mailbox has not are made. */
    addLabels: t.readonlyArray(LabelName),
    /** Those who may not take care of it are passed by. */
    assignTo: t.readonlyArray(UserId),
    markRead: t.boolean,
    markStarred: t.boolean,
    markArchived: t.boolean,
    markTrashed: t.boolean,
  }),
);
export type InboundAnswer = t.TypeOf<typeof InboundAnswer>;

const webhook = {
  ...{ id: WebhookId, url: t.string, events: t.readonlyArray(t.string), createdAt: Timestamp, createdBy: UserId },
  /** Null for one that is told of everything. */
  mailboxId: nullable(MailboxId),
};
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

const ofMailbox = { tag: 'Webhooks', errors: [403, 404] } as const;
const inMailbox = t.readonly(t.type({ mailboxId: MailboxId }));
const oneInMailbox = t.readonly(t.type({ mailboxId: MailboxId, webhookId: WebhookId }));

export const registerMailboxWebhook = defineRoute({
  ...ofMailbox,
  id: 'registerMailboxWebhook',
  method: 'POST',
  path: '/api/mailboxes/{mailboxId}/webhooks',
  summary:
    'Registers an address that is told what happens in this mailbox from now on. For its admins. The answer holds the secret, this once.',
  params: inMailbox,
  body: RegisterMailboxWebhook,
  response: RegisteredWebhook,
  errors: [403, 404, 422],
});

export const listMailboxWebhooks = defineRoute({
  ...ofMailbox,
  id: 'listMailboxWebhooks',
  method: 'GET',
  path: '/api/mailboxes/{mailboxId}/webhooks',
  summary: 'The webhooks of this mailbox, oldest first.',
  params: inMailbox,
  response: t.readonly(t.type({ content: t.readonlyArray(Webhook) })),
});

export const removeMailboxWebhook = defineRoute({
  ...ofMailbox,
  id: 'removeMailboxWebhook',
  method: 'DELETE',
  path: '/api/mailboxes/{mailboxId}/webhooks/{webhookId}',
  summary: 'Tells this address nothing more; what waits for it is thrown away.',
  params: oneInMailbox,
});

export const listMailboxDeliveries = defineRoute({
  ...ofMailbox,
  id: 'listMailboxDeliveries',
  method: 'GET',
  path: '/api/mailboxes/{mailboxId}/webhooks/{webhookId}/deliveries',
  summary: 'What this webhook has not taken yet, as `listDeliveries` has it.',
  params: oneInMailbox,
  query: t.partial({ state: DeliveryState, after: EventId, limit: intParam(1, DELIVERIES_PAGE) }),
  response: t.readonly(t.type({ content: t.readonlyArray(WebhookDelivery) })),
});

export const retryMailboxDelivery = defineRoute({
  ...ofMailbox,
  id: 'retryMailboxDelivery',
  method: 'POST',
  path: '/api/mailboxes/{mailboxId}/webhooks/{webhookId}/deliveries/{deliveryId}/retry',
  summary: 'Tries it again now, and for as long as a new one.',
  params: t.readonly(t.type({ mailboxId: MailboxId, webhookId: WebhookId, deliveryId: EventId })),
});

export const webhookRoutes: readonly Route[] = [
  ...[registerWebhook, listWebhooks, removeWebhook, listDeliveries, retryDelivery],
  ...[registerMailboxWebhook, listMailboxWebhooks, removeMailboxWebhook, listMailboxDeliveries, retryMailboxDelivery],
];
