/** Rooms and their previews as one viewer sees them. */
import type { RoomType } from '@tidings/contracts/events/room';
import type { ChatRoom, Message, Preview } from '@tidings/contracts/http/chat-objects';
import type { RoomId, UserId } from '@tidings/contracts/ids';
import type { Timestamp } from '@tidings/contracts/time';

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

/** The preview of one message, e.g. `roomPreviewText` beside it in the live feed. */
export const previewOf = (message: Pick<Message, 'senderId' | 'msgBody'>, senderName: string): Preview =>
  previewView(previewParts(message), senderName);

export interface RoomFacts {
  readonly id: RoomId;
  readonly roomType: RoomType;
  /** As given at creation; null for private rooms and nameless groups. */
  readonly name: string | null;
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
  /** Name of the other person in a private room. */
  readonly otherName: string | null;
}

/**
 * A room as `viewer` sees it. Who came back to a private room sees it as new until something is said (chat-contract §6). `unread` is
 * ISM's flag: true also for a room one has never opened.
 */
export const chatRoomView = (room: RoomFacts, viewer: ViewerFacts): ChatRoom => {
  const startsOver = room.roomType === 'Single' && room.lastSeq <= viewer.joinedSeq;
  const unreadCount = Math.max(0, room.lastSeq - Math.max(viewer.readSeq ?? 0, viewer.joinedSeq));
  return {
    id: room.id,
    roomType: room.roomType,
    roomImageUrl: null,
    roomName: room.roomType === 'Single' ? viewer.otherName : room.name,
    createdAt: room.createdAt,
    latestMessage: startsOver ? viewer.joinedAt : (room.latestAt ?? room.createdAt),
    unread: viewer.readSeq === null || unreadCount > 0,
    latestMessagePreviewText: startsOver || room.preview === null ? { type: 'New' } : room.preview,
    unreadCount,
  };
};
