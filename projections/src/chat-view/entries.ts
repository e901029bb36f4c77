/**
 * The entries of a room: its messages and, in groups, who joined and left. `seq` is an entry's rank in log order; every projection that
 * shows it counts by `isEntry`, so `POST`, live feed and timeline agree to the byte.
 */
import type { MessageBody, MessageSent } from '@tidings/contracts/events/message';
import type { Recorded, TidingsEvent } from '@tidings/contracts/events/index';
import type { RoomJoined, RoomLeft, RoomType } from '@tidings/contracts/events/room';
import type { Message, MessageMail, MsgBody, MsgType, QuoteDetails, ReactionCount } from '@tidings/contracts/http/chat-objects';
import { derivedId, type MessageId, type RoomId, type UserId } from '@tidings/contracts/ids';
import { isShredded, type Sealed, type Shredded } from '@tidings/contracts/sealed';
import type { Timestamp } from '@tidings/contracts/time';
import { relatedUserView } from './people.ts';

/** Events that a room's entries come from. */
export type EntryEvent = MessageSent | RoomJoined | RoomLeft;

/**
 * Whether the event is an entry of its room and so takes the next `seq`. In a private room nobody is told who left or came back
 * (chat-contract §6), so only messages count there.
 */
export const isEntry = (event: TidingsEvent, roomType: RoomType): event is EntryEvent =>
  event.type === 'MessageSent' || (roomType === 'Group' && (event.type === 'RoomJoined' || event.type === 'RoomLeft'));

/** An entry as stored by read models. */
export interface Entry {
  readonly roomId: RoomId;
  readonly messageId: MessageId;
  readonly senderId: UserId;
  readonly msgBody: MsgBody;
  readonly msgType: MsgType;
  readonly createdAt: Timestamp;
  readonly seq: number;
  readonly erased: boolean;
  readonly mentions: readonly UserId[];
  readonly threadId: MessageId | null;
  readonly editedAt: Timestamp | null;
  readonly deleted: boolean;
  /** Null when nobody reacted. */
  readonly reactions: readonly ReactionCount[] | null;
  /** Of the thread that begins here. */
  readonly replyCount: number;
  readonly lastReplyAt: Timestamp | null;
  readonly pinned: boolean;
  /** How it reaches members by mail; null when nobody is told of it so. */
  readonly mails: MailsByUser | null;
}

/** By user id. */
export type MailsByUser = Readonly<Record<string, Omit<MessageMail, 'userId'>>>;

/** What stands in the place of a body that is gone. */
export const NO_BODY: MsgBody = { text: '' };

/** What may be so of an entry later on, and is not as it comes. */
const UNTOUCHED = {
  erased: false,
  editedAt: null,
  deleted: false,
  reactions: null,
  replyCount: 0,
  lastReplyAt: null,
  pinned: false,
  mails: null,
} as const;

/** The only place where a `Message` is put together. */
export const messageView = (entry: Entry): Message => {
  const gone = entry.deleted || entry.erased;
  return {
    chatRoomId: entry.roomId,
    messageId: entry.messageId,
    senderId: entry.senderId,
    msgBody: entry.deleted ? NO_BODY : entry.msgBody,
    msgType: entry.deleted ? 'Text' : entry.msgType,
    createdAt: entry.createdAt,
    seq: entry.seq,
    ...(entry.mentions.length > 0 && !gone ? { mentions: entry.mentions } : {}),
    ...(entry.threadId === null ? {} : { threadId: entry.threadId }),
    ...(entry.editedAt === null || gone ? {} : { editedAt: entry.editedAt }),
    ...(entry.reactions === null || entry.deleted ? {} : { reactions: entry.reactions }),
    ...(entry.lastReplyAt === null ? {} : { thread: { replyCount: entry.replyCount, lastReplyAt: entry.lastReplyAt } }),
    ...(entry.pinned && !entry.deleted ? { pinned: true as const } : {}),
    ...(entry.mails === null || entry.deleted ? {} : { mails: mailsView(entry.mails) }),
    ...(entry.deleted ? { deleted: true as const } : {}),
    ...(entry.erased ? { erased: true as const } : {}),
  };
};

/** In the order of their ids, so that every reader gets the same bytes. */
const mailsView = (mails: MailsByUser): readonly MessageMail[] =>
  Object.keys(mails)
    .toSorted()
    .flatMap((userId) => {
      const mail = mails[userId];
      return mail === undefined ? [] : [{ userId: userId as UserId, status: mail.status, at: mail.at }]; // keys are ids of users
    });

/** A body as chat shows it; nothing is left of one that was erased. */
export const shownBody = (body: Sealed<MessageBody>): { readonly msgBody: MsgBody; readonly msgType: MsgType; readonly erased: boolean } =>
  isShredded(body) ? { msgBody: NO_BODY, msgType: 'Text', erased: true } : { msgBody: msgBodyOf(body), msgType: body.type, erased: false };

export const messageEntry = ({ data, recordedAt }: Recorded<MessageSent>, seq: number): Entry => ({
  ...UNTOUCHED,
  roomId: data.roomId,
  messageId: data.messageId,
  senderId: data.senderId,
  ...shownBody(data.body),
  createdAt: recordedAt,
  seq,
  mentions: data.mentions,
  threadId: data.threadId,
});

/** An entry as it was when it was written, whatever became of it since. */
export const asItCame = (entry: Entry, { body, mentions }: Pick<MessageSent['data'], 'body' | 'mentions'>): Entry => ({
  ...entry,
  ...UNTOUCHED,
  ...shownBody(body),
  mentions,
});

/** What a room change needs to know beside its event, as of its position in the log. */
export interface RelatedUser {
  readonly displayName: string;
  /** When the leaver had joined; of no use for a join, which has its own time. */
  readonly joinedAt: Timestamp;
}

/** `lastMessageReadAt` and `profilePicture` stay null: this is frozen, and a read mark or a face from back then would only mislead. */
export const roomChangeEntry = (event: Recorded<RoomJoined | RoomLeft>, seq: number, related: RelatedUser): Entry => {
  const joined = event.type === 'RoomJoined';
  const { roomId, userId } = event.data;
  return {
    ...UNTOUCHED,
    roomId,
    messageId: derivedId<MessageId>('room-change', event.id),
    senderId: userId,
    msgBody: {
      type: joined ? 'UserJoined' : 'UserLeft',
      related_user: relatedUserView({
        id: userId,
        displayName: related.displayName,
        profilePicture: null,
        joinedAt: joined ? event.recordedAt : related.joinedAt,
        lastMessageReadAt: null,
        membershipStatus: joined ? 'Joined' : 'Left',
      }),
    },
    msgType: 'RoomChange',
    createdAt: event.recordedAt,
    seq,
    mentions: [],
    threadId: null,
  };
};

const msgBodyOf = (body: MessageBody): MsgBody => {
  switch (body.type) {
    case 'Text':
      return { text: body.text };
    case 'Media':
      return { mediaUrl: body.mediaUrl, mediaType: body.mediaType, mimeType: body.mimeType, altText: body.altText };
    case 'Reply':
      return {
        replyMsgId: body.quoted.messageId,
        replySenderId: body.quoted.senderId,
        // As `withoutQuoteOf` leaves it.
        replyMsgType: isShredded(body.quoted.body) ? 'Text' : body.quoted.body.type,
        replyCreatedAt: body.quoted.createdAt,
        replyMsgDetails: isShredded(body.quoted.body) ? { text: '' } : quoteDetails(body.quoted.body),
        replyText: body.text,
      };
  }
};

type Quoted = Exclude<Extract<MessageBody, { readonly type: 'Reply' }>['quoted']['body'], Shredded>;

const quoteDetails = (quoted: Quoted): QuoteDetails => {
  switch (quoted.type) {
    case 'Text':
      return { text: quoted.text };
    case 'Media':
      return { mediaUrl: quoted.mediaUrl, mediaType: quoted.mediaType, mimeType: quoted.mimeType, altText: quoted.altText };
    case 'Reply':
      return { reply_text: quoted.text };
  }
};
