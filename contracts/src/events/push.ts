/** Stream `push-<userId>.<subscriptionId>`: a browser of a user that takes Web Push (RFC 8030, RFC 8291). */
import * as t from 'io-ts';
import { text } from '../codec.ts';
import { SubscriptionId, UserId } from '../ids.ts';
import { sealed } from '../sealed.ts';
import { defineEvent, type EventOf } from './definition.ts';

/** The browser's public key and the secret it shares with us, base64url (RFC 8291 §2, §3.2). */
export const PushKeys = t.readonly(t.type({ p256dh: text(1, 200), auth: text(1, 100) }));
export type PushKeys = t.TypeOf<typeof PushKeys>;

export const PushSubscribed = defineEvent({
  type: 'PushSubscribed',
  doc: 'A browser of a user takes Web Push at an endpoint, or its keys there are new.',
  data: t.readonly(t.type({ subscriptionId: SubscriptionId, userId: UserId, endpoint: sealed(text(1, 2000)), keys: sealed(PushKeys) })),
  personal: [{ subject: 'userId', fields: ['endpoint', 'keys'] }],
});
export type PushSubscribed = EventOf<typeof PushSubscribed>;

export const PushUnsubscribed = defineEvent({
  type: 'PushUnsubscribed',
  doc: 'A browser takes no Web Push any more: the user said so, or its push service did.',
  data: t.readonly(t.type({ subscriptionId: SubscriptionId, userId: UserId })),
});
export type PushUnsubscribed = EventOf<typeof PushUnsubscribed>;

export const pushEvents = [PushSubscribed, PushUnsubscribed] as const;
export type PushEvent = EventOf<(typeof pushEvents)[number]>;
