/**
 * Stream `mailing-<roomId>.<messageId>`: who is told of a chat message by mail, and what becomes of those mails. Recorded before it is done, so
 * that nobody gets a mail twice.
 */
import * as t from 'io-ts';
import { oneOf } from '../codec.ts';
import { EmailId, MessageId, RoomId, UserId } from '../ids.ts';
import { Timestamp } from '../time.ts';
import { defineEvent, type EventOf } from './definition.ts';
import { MailPolicy } from './notices.ts';

const ofMessage = { roomId: RoomId, messageId: MessageId };

/** Someone who is to be told, by which of their wishes, and when. */
export const MailingRecipient = t.readonly(t.type({ userId: UserId, policy: MailPolicy, dueAt: Timestamp }));
export type MailingRecipient = t.TypeOf<typeof MailingRecipient>;

export const MailingPlanned = defineEvent({
  type: 'MailingPlanned',
  doc: 'These members are to be told of a message by mail, each at a time; until then it can be rewritten or taken back.',
  data: t.readonly(t.type({ ...ofMessage, senderId: UserId, recipients: t.readonlyArray(MailingRecipient) })),
});
export type MailingPlanned = EventOf<typeof MailingPlanned>;

export const MessageMailed = defineEvent({
  type: 'MessageMailed',
  doc: 'The time had come: the email `emailId` tells a member of a message. It is queued to go out right behind this.',
  data: t.readonly(t.type({ ...ofMessage, userId: UserId, emailId: EmailId })),
});
export type MessageMailed = EventOf<typeof MessageMailed>;

export const NotMailedBecause = oneOf('deleted', 'left', 'blocked', 'looking', 'read', 'unwanted', 'no-address', 'stale');
export type NotMailedBecause = t.TypeOf<typeof NotMailedBecause>;

export const MessageNotMailed = defineEvent({
  type: 'MessageNotMailed',
  doc: 'The time had come, and there was a reason not to tell a member of a message by mail.',
  data: t.readonly(t.type({ ...ofMessage, userId: UserId, because: NotMailedBecause })),
});
export type MessageNotMailed = EventOf<typeof MessageNotMailed>;

/** What is known of the mail on its way. */
export const MailedStatus = oneOf('queued', 'delivered', 'deferred', 'failed', 'unknown', 'cancelled');
export type MailedStatus = t.TypeOf<typeof MailedStatus>;

export const MessageMailStatusChanged = defineEvent({
  type: 'MessageMailStatusChanged',
  doc: 'There is other news of the mail that tells a member of a message.',
  data: t.readonly(t.type({ ...ofMessage, userId: UserId, emailId: EmailId, status: MailedStatus })),
});
export type MessageMailStatusChanged = EventOf<typeof MessageMailStatusChanged>;

export const mailingEvents = [MailingPlanned, MessageMailed, MessageNotMailed, MessageMailStatusChanged] as const;
export type MailingEvent = EventOf<(typeof mailingEvents)[number]>;
