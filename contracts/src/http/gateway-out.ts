/** Chat by mail, on the way out: who wants mail of which room, how it stops by one click, and how a message reaches whom. */
import * as t from 'io-ts';
import { nullable, text } from '../codec.ts';
import { ClockTime, MailPolicy } from '../events/notices.ts';
import { MessageId, RoomId } from '../ids.ts';
import { MessageMail } from './chat-objects.ts';
import { defineRoute, type Route } from './route.ts';

/** At what times of their day, and in which zone (`Europe/Paris`), someone gets digests. */
export const DigestTimes = t.readonly(t.type({ timeZone: text(1, 100), times: t.readonlyArray(ClockTime) }));

export const MailNotifications = t.readonly(
  t.type({
    /** Where the mails go; null for who has no address, and gets none. */
    address: nullable(t.string),
    /** For rooms that are not among `rooms`; null: as it is for everybody, which is `never` for members and `at-once` for who takes part by mail alone. */
    standard: nullable(MailPolicy),
    digest: DigestTimes,
    rooms: t.readonlyArray(t.readonly(t.type({ roomId: RoomId, policy: MailPolicy }))),
  }),
);
export type MailNotifications = t.TypeOf<typeof MailNotifications>;

/** What is left out stays as it is. */
export const MailNotificationsChange = t.readonly(t.partial({ standard: nullable(MailPolicy), digest: DigestTimes }));

export const RoomMailNotifications = t.readonly(
  t.type({
    roomId: RoomId,
    /** What you said of this room; null: nothing. */
    own: nullable(MailPolicy),
    /** What holds. */
    policy: MailPolicy,
  }),
);
export type RoomMailNotifications = t.TypeOf<typeof RoomMailNotifications>;

const shared = { tag: 'Notifications' } as const;
const room = t.readonly(t.type({ roomId: RoomId }));

export const getMailNotifications = defineRoute({
  ...shared,
  id: 'getMailNotifications',
  method: 'GET',
  path: '/api/mail-notifications',
  summary: 'When you are told by mail of what is said in your rooms.',
  response: MailNotifications,
});

export const setMailNotifications = defineRoute({
  ...shared,
  id: 'setMailNotifications',
  method: 'PUT',
  path: '/api/mail-notifications',
  summary:
    'Says it for all rooms of which you say nothing else: a mail for each message (`at-once`), all of a time together (`digest`), only while you have no live stream open (`when-away`), or none (`never`); and when digests go.',
  body: MailNotificationsChange,
  response: MailNotifications,
});

export const getRoomMailNotifications = defineRoute({
  ...shared,
  id: 'getRoomMailNotifications',
  method: 'GET',
  path: '/api/rooms/{roomId}/mail-notifications',
  summary: 'When you are told by mail of what is said in a room.',
  params: room,
  response: RoomMailNotifications,
  errors: [403],
});

export const setRoomMailNotifications = defineRoute({
  ...shared,
  id: 'setRoomMailNotifications',
  method: 'PUT',
  path: '/api/rooms/{roomId}/mail-notifications',
  summary: 'Says it for a room; null: as for all others. `never` also calls off mails that are not sent yet.',
  params: room,
  body: t.readonly(t.type({ policy: nullable(MailPolicy) })),
  response: RoomMailNotifications,
  errors: [403],
});

export const getMessageMails = defineRoute({
  id: 'getMessageMails',
  method: 'GET',
  path: '/api/rooms/{roomId}/messages/{messageId}/mails',
  tag: 'Messages',
  summary: 'How a message reaches members by mail, as `mails` of the message says it too.',
  params: t.readonly(t.type({ roomId: RoomId, messageId: MessageId })),
  response: t.readonly(t.type({ content: t.readonlyArray(MessageMail) })),
  errors: [403, 404],
});

const unsubscribe = {
  path: '/gateway/unsubscribe/{token}',
  tag: 'Gateway',
  public: true,
  params: t.readonly(t.type({ token: text(1, 4000) })),
  response: t.string,
  produces: 'binary',
  errors: [404],
} as const;

export const showUnsubscribe = defineRoute({
  ...unsubscribe,
  id: 'showUnsubscribe',
  method: 'GET',
  summary: 'A page with a button that stops the mails of a conversation (text/html). Looking at it changes nothing.',
});

export const unsubscribeByMail = defineRoute({
  ...unsubscribe,
  id: 'unsubscribeByMail',
  method: 'POST',
  summary:
    'Stops the mails of the conversation that the link was sent with, in one click (RFC 8058). Needs no login; again changes nothing.',
});

export const getMailedFile = defineRoute({
  id: 'getMailedFile',
  method: 'GET',
  path: '/gateway/files/{token}',
  tag: 'Gateway',
  summary:
    'A file of a chat message that was too large for the mail that tells of it. The link works for a time, and while the message stands.',
  public: true,
  params: t.readonly(t.type({ token: text(1, 400) })),
  response: t.unknown,
  produces: 'binary',
  mayRedirect: true,
  errors: [404],
});

export const gatewayOutRoutes: readonly Route[] = [
  getMailNotifications,
  setMailNotifications,
  getRoomMailNotifications,
  setRoomMailNotifications,
  getMessageMails,
  showUnsubscribe,
  unsubscribeByMail,
  getMailedFile,
];
