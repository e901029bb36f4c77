/**
 * What of the log is about someone, and how an export tells it: one line for each fact, `{kind, event, at, …}`. Other people's words are left
 * out (a quoted message is named, not shown), and so are secrets.
 */
import type { EventType, Recorded } from '@tidings/contracts/events/index';
import type { MessageBody } from '@tidings/contracts/events/message';
import type { UserId } from '@tidings/contracts/ids';
import type { JsonObject } from '@tidings/contracts/ports/event-log';
import { isShredded, type Sealed } from '@tidings/contracts/sealed';

const kinds = {
  UserRegistered: 'profile',
  UserProfileChanged: 'profile',
  UserIdentityNoted: 'profile',
  FriendshipRequested: 'relationship',
  FriendshipAccepted: 'relationship',
  FriendshipRejected: 'relationship',
  FriendshipEnded: 'relationship',
  UserBlocked: 'relationship',
  UserUnblocked: 'relationship',
  RoomCreated: 'room',
  RoomJoined: 'room',
  RoomLeft: 'room',
  RoomRenamed: 'room',
  RoomImageChanged: 'room',
  MemberRoleChanged: 'room',
  MessagePinned: 'room',
  MessageUnpinned: 'room',
  MessageSent: 'message',
  MessageEdited: 'message',
  MessageDeleted: 'message',
  ReactionAdded: 'reaction',
  ReactionRemoved: 'reaction',
  RoomRead: 'read-mark',
  RoomDelivered: 'read-mark',
  MessageReported: 'report',
  NotificationSent: 'notification',
  MediaUploaded: 'media',
  PushSubscribed: 'push-subscription',
  PushUnsubscribed: 'push-subscription',
  MailboxMemberSet: 'mailbox',
  MailboxMemberRemoved: 'mailbox',
} as const satisfies Partial<Readonly<Record<EventType, string>>>;

export const EXPORTED_TYPES = Object.keys(kinds) as readonly (keyof typeof kinds)[];

type Exported = Extract<Recorded, { readonly type: keyof typeof kinds }>;
const isExported = (event: Recorded): event is Exported => event.type in kinds;

/** Whether stored data names the user at all: a cheap look before it is opened. */
export const names = (data: JsonObject, user: UserId): boolean =>
  Object.values(data).some((value) => value === user || (Array.isArray(value) && value.includes(user)));

/** Null for what only mentions the user, or is another's: a message that names them, somebody's report of theirs. */
export const lineOf = (event: Recorded, user: UserId): object | null => {
  if (!isExported(event)) return null;
  const facts = factsOf(event, user);
  return facts === null ? null : { kind: kinds[event.type], event: event.type, at: event.recordedAt, ...facts };
};

const factsOf = ({ type, data }: Exported, user: UserId): object | null => {
  if (type === 'RoomCreated') {
    const { members, ...rest } = data;
    return members.includes(user) ? rest : null;
  }
  if (type === 'MessageSent' || type === 'MessageEdited') return data.senderId === user ? { ...data, body: ownWords(data.body) } : null;
  if (type === 'MessageDeleted') return data.senderId === user || data.deletedBy === user ? data : null;
  if (type === 'MessageReported') return data.reportedBy === user ? data : null;
  if (type === 'PushSubscribed') {
    const { keys: _keys, ...rest } = data;
    return rest;
  }
  return data;
};

const ownWords = (body: Sealed<MessageBody>): object =>
  isShredded(body) || body.type !== 'Reply' ? body : { type: body.type, text: body.text, answers: body.quoted.messageId };
