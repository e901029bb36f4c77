/**
 * What chat endpoints and the live feed speak (chat-contract §1.2): ISM's objects field for field, snake_case where ISM has it, and our
 * additions beside them (`seq`, `unreadCount`, `cursor`). Clients ignore fields they do not know.
 */
import * as t from 'io-ts';
import { int, nullable, oneOf } from '../codec.ts';
import { RoomRole, RoomType } from '../events/room.ts';
import { UserRole } from '../events/user.ts';
import { MessageId, RoomId, UserId } from '../ids.ts';
import { Timestamp } from '../time.ts';

export const User = t.readonly(
  t.type({
    id: UserId,
    displayName: t.string,
    streetCredits: int(0),
    profilePicture: nullable(t.string),
    description: nullable(t.string),
    friendsCount: int(0),
    role: UserRole,
  }),
);
export type User = t.TypeOf<typeof User>;

/** How the caller stands to another user. Where both blocked, each sees `CLIENT_BLOCKED`. */
export const RelationshipType = oneOf('FRIEND', 'INVITE_SENT', 'INVITE_RECEIVED', 'CLIENT_BLOCKED', 'CLIENT_GOT_BLOCKED');
export type RelationshipType = t.TypeOf<typeof RelationshipType>;

export const UserWithRelationship = t.readonly(t.type({ user: User, relationshipType: nullable(RelationshipType) }));
export type UserWithRelationship = t.TypeOf<typeof UserWithRelationship>;

export const RelationshipState = t.readonly(t.type({ state: nullable(RelationshipType) }));
export type RelationshipState = t.TypeOf<typeof RelationshipState>;

export const MembershipStatus = oneOf('Joined', 'Left', 'Invited');
export type MembershipStatus = t.TypeOf<typeof MembershipStatus>;

const relatedUser = {
  id: UserId,
  displayName: t.string,
  profilePicture: nullable(t.string),
  joinedAt: Timestamp,
  lastMessageReadAt: nullable(Timestamp),
  membershipStatus: MembershipStatus,
};
/** Who came or went, as they were then. */
export const RelatedUser = t.readonly(t.type(relatedUser));
export type RelatedUser = t.TypeOf<typeof RelatedUser>;

/** `role` is `member` in private rooms, and for those who left. */
export const RoomMember = t.readonly(t.type({ ...relatedUser, role: RoomRole }));
export type RoomMember = t.TypeOf<typeof RoomMember>;

export const RoomChangeType = oneOf('JOIN', 'LEAVE', 'INVITE');

/** The line under a room's name in a list: who did what last. */
export const Preview = t.union([
  t.readonly(t.type({ type: t.literal('Text'), sender_username: t.string, text: t.string })),
  t.readonly(t.type({ type: t.literal('Media'), sender_username: t.string, media_type: t.string })),
  t.readonly(t.type({ type: t.literal('Reply'), sender_username: t.string, reply_text: t.string })),
  t.readonly(t.type({ type: t.literal('RoomChange'), sender_username: t.string, room_change_type: RoomChangeType })),
  t.readonly(t.type({ type: t.literal('New') })),
]);
export type Preview = t.TypeOf<typeof Preview>;

const chatRoom = {
  id: RoomId,
  roomType: RoomType,
  roomImageUrl: nullable(t.string),
  /** A private room carries the other person's name and picture. */
  roomName: nullable(t.string),
  createdAt: Timestamp,
  latestMessage: nullable(Timestamp),
  unread: nullable(t.boolean),
  latestMessagePreviewText: Preview,
  /** Entries the caller has not read; none of them their own, none from before they joined. */
  unreadCount: int(0),
  /** Those of them that name the caller. */
  mentionCount: int(0),
};
export const ChatRoom = t.readonly(t.type(chatRoom));
export type ChatRoom = t.TypeOf<typeof ChatRoom>;

export const RoomDetailed = t.readonly(t.type({ ...chatRoom, users: t.readonlyArray(RoomMember) }));
export type RoomDetailed = t.TypeOf<typeof RoomDetailed>;

export const TextMsgBody = t.readonly(t.type({ text: t.string }));
export const MediaMsgBody = t.readonly(
  t.type({ mediaUrl: t.string, mediaType: t.string, mimeType: nullable(t.string), altText: nullable(t.string) }),
);
export type MediaMsgBody = t.TypeOf<typeof MediaMsgBody>;
export const QuoteDetails = t.union([TextMsgBody, MediaMsgBody, t.readonly(t.type({ reply_text: t.string }))]);
export type QuoteDetails = t.TypeOf<typeof QuoteDetails>;
/** The quote is a frozen copy, one level deep. */
export const ReplyMsgBody = t.readonly(
  t.type({
    replyMsgId: MessageId,
    replySenderId: UserId,
    replyMsgType: oneOf('Text', 'Media', 'Reply'),
    replyCreatedAt: Timestamp,
    replyMsgDetails: QuoteDetails,
    replyText: t.string,
  }),
);
export type ReplyMsgBody = t.TypeOf<typeof ReplyMsgBody>;
export const RoomChangeMsgBody = t.readonly(t.type({ type: oneOf('UserJoined', 'UserLeft', 'UserInvited'), related_user: RelatedUser }));
export type RoomChangeMsgBody = t.TypeOf<typeof RoomChangeMsgBody>;

/** Recognised by its fields, as ISM does. */
export const MsgBody = t.union([TextMsgBody, MediaMsgBody, ReplyMsgBody, RoomChangeMsgBody]);
export type MsgBody = t.TypeOf<typeof MsgBody>;

export const MsgType = oneOf('Text', 'Media', 'Reply', 'RoomChange');
export type MsgType = t.TypeOf<typeof MsgType>;

/** How many put an emoji on a message; the emoji that was there first comes first. */
export const ReactionCount = t.readonly(t.type({ emoji: t.string, count: int(1), userIds: t.readonlyArray(UserId) }));
export type ReactionCount = t.TypeOf<typeof ReactionCount>;

/** On the first message of a thread: how many replies stand in it, deleted ones not among them, and when the last one came. */
export const ThreadSummary = t.readonly(t.type({ replyCount: int(1), lastReplyAt: Timestamp }));
export type ThreadSummary = t.TypeOf<typeof ThreadSummary>;

/**
 * How a message reaches a member by mail: `waiting` for its time, `queued` and on its way, and what came of it. `not-mailed`: as its time came there was a
 * reason not to.
 */
export const MessageMailStatus = oneOf('waiting', 'queued', 'delivered', 'deferred', 'failed', 'unknown', 'cancelled', 'not-mailed');
export type MessageMailStatus = t.TypeOf<typeof MessageMailStatus>;
/** Since when it is so. */
export const MessageMail = t.readonly(t.type({ userId: UserId, status: MessageMailStatus, at: Timestamp }));
export type MessageMail = t.TypeOf<typeof MessageMail>;

/** What is not so is absent. */
export const Message = t.readonly(
  t.intersection([
    t.type({
      chatRoomId: RoomId,
      messageId: MessageId,
      senderId: UserId,
      msgBody: MsgBody,
      msgType: MsgType,
      createdAt: Timestamp,
      /** Place in the room, from 1 without gaps; the order of timeline, live feed and read marks. */
      seq: int(1),
    }),
    t.partial({
      /** Members whom it names. */
      mentions: t.readonlyArray(UserId),
      /** The first message of the thread that it replies in. */
      threadId: MessageId,
      /** When its author last rewrote it. */
      editedAt: Timestamp,
      reactions: t.readonlyArray(ReactionCount),
      thread: ThreadSummary,
      pinned: t.literal(true),
      /** Members who are told of it by mail. */
      mails: t.readonlyArray(MessageMail),
      /** It was deleted; what is left is an empty text in its place. */
      deleted: t.literal(true),
      /** The caller has blocked its sender; an empty text stands in its place. */
      hidden: t.literal(true),
      /** The sender's data was erased; what is left is an empty text in its place. */
      erased: t.literal(true),
    }),
  ]),
);
export type Message = t.TypeOf<typeof Message>;

/** `nextCursor` is ISM's name at the README's version, `cursor` its later one; both say the same, null on the last page. */
export const pageOf = <C extends t.Mixed>(item: C) =>
  t.readonly(t.type({ content: t.readonlyArray(item), nextCursor: nullable(t.string), cursor: nullable(t.string) }));
export interface Page<A> {
  readonly content: readonly A[];
  readonly nextCursor: string | null;
  readonly cursor: string | null;
}
