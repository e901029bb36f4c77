/**
 * What of the log is about someone, and how an export tells it: one line for each fact, `{kind, event, at, …}`. Other people's words are left
 * out (a quoted message is named, not shown), and so are secrets.
 */
import type { Recorded } from '@tidings/contracts/events/index';
import type { MessageBody } from '@tidings/contracts/events/message';
import { isShredded, type Sealed } from '@tidings/contracts/sealed';
import type { FactType } from '@tidings/projections/user-facts/index';

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
  MailPolicySet: 'mail-notifications',
  DigestTimesSet: 'mail-notifications',
  MailboxMemberSet: 'mailbox',
  MailboxMemberRemoved: 'mailbox',
  ReplyAddressIssued: 'reply-address',
  ReplyAddressRevoked: 'reply-address',
  MailMapped: 'conversation-mail',
  GatewayMailReceived: 'conversation-mail',
  GatewayMailSettled: 'conversation-mail',
  HeldMailConfirmed: 'conversation-mail',
  HeldMailRefused: 'conversation-mail',
  MessageMailed: 'mailed-message',
  MessageNotMailed: 'mailed-message',
  MessageMailStatusChanged: 'mailed-message',
} as const satisfies Readonly<Record<FactType, string>>;

type Exported = Extract<Recorded, { readonly type: FactType }>;
const isExported = (event: Recorded): event is Exported => event.type in kinds;

/** The line of one of their facts (the read model `user-facts` knows which these are); null for what exports do not tell. */
export const lineOf = (event: Recorded): object | null =>
  isExported(event) ? { kind: kinds[event.type], event: event.type, at: event.recordedAt, ...factsOf(event) } : null;

const factsOf = ({ type, data }: Exported): object => {
  if (type === 'RoomCreated') {
    const { members: _members, ...rest } = data;
    return rest;
  }
  if (type === 'MessageSent' || type === 'MessageEdited') return { ...data, body: ownWords(data.body) };
  if (type === 'PushSubscribed') {
    const { keys: _keys, ...rest } = data;
    return rest;
  }
  // Where else a mail could have belonged, and whom it claims to be from, is about others.
  if (type === 'MailMapped') {
    const { disagreeing: _disagreeing, ...rest } = data;
    return rest;
  }
  if (type === 'GatewayMailSettled') {
    const { userId: _userId, ...rest } = data;
    return rest;
  }
  return data;
};

const ownWords = (body: Sealed<MessageBody>): object =>
  isShredded(body) || body.type !== 'Reply' ? body : { type: body.type, text: body.text, answers: body.quoted.messageId };
