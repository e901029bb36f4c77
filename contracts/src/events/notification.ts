/** Stream `notification-<toUser>.<notificationId>`: a notification of a back end's own making, `append(none)`, so each id comes once. */
import * as t from 'io-ts';
import { NotificationId, UserId } from '../ids.ts';
import { Json } from '../json.ts';
import { sealed } from '../sealed.ts';
import { defineEvent, type EventOf } from './definition.ts';

export const NotificationSent = defineEvent({
  type: 'NotificationSent',
  doc: 'A back end told a user something; what it means is between the two.',
  data: t.readonly(t.type({ notificationId: NotificationId, toUser: UserId, message: sealed(Json) })),
  personal: [{ subject: 'toUser', fields: ['message'] }],
});
export type NotificationSent = EventOf<typeof NotificationSent>;

export const notificationEvents = [NotificationSent] as const;
export type NotificationEvent = EventOf<(typeof notificationEvents)[number]>;
