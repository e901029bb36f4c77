/** Custom notifications (chat-contract §6): a back end of yours tells one user something; what it means is between the two. */
import * as t from 'io-ts';
import { text } from '../codec.ts';
import { NotificationId, UserId } from '../ids.ts';
import { Json } from '../json.ts';
import { described } from '../json-schema.ts';
import { Timestamp } from '../time.ts';
import { defineRoute, type Route } from './route.ts';

/** Of the message as compact JSON in UTF-8. */
export const MAX_NOTIFICATION_BYTES = 16 * 1024;

const SmallJson = described(
  new t.Type(
    'Json',
    Json.is,
    (u, c) =>
      u !== undefined && Json.is(u) && Buffer.byteLength(JSON.stringify(u)) > MAX_NOTIFICATION_BYTES
        ? t.failure(u, c, `must be at most ${MAX_NOTIFICATION_BYTES} bytes of JSON`)
        : Json.validate(u, c),
    Json.encode,
  ),
  {},
);

/** The same body by HTTP and on the Kafka topic `user-notification-events`. */
export const CustomNotification = t.readonly(
  t.intersection([
    t.type({ type: t.literal('SystemMessage'), message: SmallJson, toUser: UserId }),
    t.partial({
      /** Names the notification: with the same one, the user is told once. */
      id: text(1, 255),
      /** Taken, as it once was, and not kept: users are told when it was recorded. */
      createdAt: Timestamp,
    }),
  ]),
);
export type CustomNotification = t.TypeOf<typeof CustomNotification>;

export const SentNotification = t.readonly(t.type({ notificationId: NotificationId }));

export const sendNotification = defineRoute({
  id: 'sendNotification',
  method: 'POST',
  path: '/api/notify',
  tag: 'Notifications',
  summary:
    'Tells one user something of your own making: a `SystemMessage` on their live stream, kept for those who resume. For applications in `NOTIFY_CLIENT_IDS`, and administrators.',
  body: CustomNotification,
  response: SentNotification,
  errors: [403, 404, 422],
});

export const notifyRoutes: readonly Route[] = [sendNotification];
