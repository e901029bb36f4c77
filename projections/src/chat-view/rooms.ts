/** Rooms and their previews as one viewer sees them. */
import type { RoomType } from '@tidings/contracts/events/room';
import type { ChatRoom, Message, Preview } from '@tidings/contracts/http/chat-objects';
import { roomImagePath } from '@tidings/contracts/http/media';
import type { BlobId, RoomId, UserId } from '@tidings/contracts/ids';
import type { Timestamp } from '@tidings/contracts/time';
import type { UserFacts } from './people.ts';

/** A preview before the sender's name is known; read models keep this, because names change. */
export type PreviewParts =
  | { readonly type: 'Text'; readonly senderId: UserId; readonly text: string }
  | { readonly type: 'Media'; readonly senderId: UserId; readonly media_type: string }
  | { readonly type: 'Reply'; readonly senderId: UserId; readonly reply_text: string }
  | { readonly type: 'RoomChange'; readonly senderId: UserId; readonly room_change_type: 'JOIN' | 'LEAVE' };

const LONGEST = 50;
const KEPT = 40;

/** More than 50 characters are shown as the first 40 and three dots (chat-contract §1.2); counted in Unicode scalars. */
export const shorten = (text: string): string => {
  if (text.length <= LONGEST) return text;
  const characters: string[] = [];
  for (const character of text) {
    if (characters.length > LONGEST) break;
    characters.push(character);
  }
  return characters.length <= LONGEST ? text : `${characters.slice(0, KEPT).join('')}...`;
};

export const previewParts = (message: Pick<Message, 'senderId' | 'msgBody'>): PreviewParts => {
  const { senderId, msgBody } = message;
  if ('text' in msgBody) return { type: 'Text', senderId, text: shorten(msgBody.text) };
  if ('mediaUrl' in msgBody) return { type: 'Media', senderId, media_type: msgBody.mediaType };
  if ('replyMsgId' in msgBody) return { type: 'Reply', senderId, reply_text: shorten(msgBody.replyText) };
  return { type: 'RoomChange', senderId, room_change_type: msgBody.type === 'UserLeft' ? 'LEAVE' : 'JOIN' };
};

export const previewView = (parts: PreviewParts, senderName: string): Preview => {
  switch (parts.type) {
    case 'Text':
      return { type: 'Text', sender_username: senderName, text: parts.text };
    case 'Media':
      return { type: 'Media', sender_username: senderName, media_type: parts.media_type };
    case 'Reply':
      return { type: 'Reply', sender_username: senderName, reply_text: parts.reply_text };
    case 'RoomChange':
      return { type: 'RoomChange', sender_username: senderName, room_change_type: parts.room_change_type };
  }
};

/** The preview without what was said: the message is gone, or hidden from who reads. */
export const emptyPreview = (senderId: UserId): PreviewParts => ({ type: 'Text', senderId, text: '' });

/** As someone who blocks these sees it in a group. Who came and went is no secret. */
export const previewWithoutBlocked = (parts: PreviewParts, blocked: ReadonlySet<UserId>): PreviewParts =>
  parts.type !== 'RoomChange' && blocked.has(parts.senderId) ? emptyPreview(parts.senderId) : parts;

/** The preview of one message, e.g. `roomPreviewText` beside it in the live feed. */
export const previewOf = (message: Pick<Message, 'senderId' | 'msgBody'>, senderName: string): Preview =>
  previewView(previewParts(message), senderName);

export interface RoomFacts {
  readonly id: RoomId;
  readonly roomType: RoomType;
  /** Null for private rooms and nameless groups. */
  readonly name: string | null;
  /** A group's picture. */
  readonly image: BlobId | null;
  readonly createdAt: Timestamp;
  /** Rank of the last entry, 0 when there is none. */
  readonly lastSeq: number;
  /** Of the last entry; null when there is none. */
  readonly latestAt: Timestamp | null;
  readonly preview: Preview | null;
}

export interface ViewerFacts {
  readonly joinedAt: Timestamp;
  /** The room's `lastSeq` as they joined: 0 for first members, their own join entry for an invited one. */
  readonly joinedSeq: number;
  /** How far they have read; null when they never did. */
  readonly readSeq: number | null;
  /** How many entries behind their read mark name them. */
  readonly mentionCount: number;
  /** The other person in a private room. */
  readonly other: Pick<UserFacts, 'displayName' | 'profilePicture'> | null;
}

/**
 * A room as `viewer` sees it. Who came back to a private room sees it as new until something is said (chat-contract §6). `unread` is
 * ISM's flag: true also for a room one has never opened.
 */
export const chatRoomView = (room: RoomFacts, viewer: ViewerFacts): ChatRoom => {
  const startsOver = room.roomType === 'Single' && room.lastSeq <= viewer.joinedSeq;
  const unreadCount = Math.max(0, room.lastSeq - readUpTo(viewer));
  return {
    id: room.id,
    roomType: room.roomType,
    ...roomLooks(room, viewer.other),
    createdAt: room.createdAt,
    latestMessage: startsOver ? viewer.joinedAt : (room.latestAt ?? room.createdAt),
    unread: viewer.readSeq === null || unreadCount > 0,
    latestMessagePreviewText: startsOver || room.preview === null ? { type: 'New' } : room.preview,
    unreadCount,
    mentionCount: viewer.mentionCount,
  };
};

/** The last entry that is not new to someone. */
export const readUpTo = ({ readSeq, joinedSeq }: Pick<ViewerFacts, 'readSeq' | 'joinedSeq'>): number => Math.max(readSeq ?? 0, joinedSeq);

/** What a room is called and looks like: a private one as the other person in it. */
export const roomLooks = (
  room: Pick<RoomFacts, 'id' | 'roomType' | 'name' | 'image'>,
  other: ViewerFacts['other'],
): Pick<ChatRoom, 'roomImageUrl' | 'roomName'> =>
  room.roomType === 'Single'
    ? { roomImageUrl: other?.profilePicture ?? null, roomName: other?.displayName ?? null }
    : { roomImageUrl: room.image === null ? null : roomImagePath(room.id, room.image), roomName: room.name };
