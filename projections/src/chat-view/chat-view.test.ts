import type { Recorded } from '@tidings/contracts/events/index';
import type { MessageBody, MessageSent } from '@tidings/contracts/events/message';
import type { RoomLeft } from '@tidings/contracts/events/room';
import { Message } from '@tidings/contracts/http/chat-objects';
import { derivedId, type BlobId, type EventId, type MessageId, type RoomId, type StreamId, type UserId } from '@tidings/contracts/ids';
import { START } from '@tidings/contracts/ports/event-log';
import { SHREDDED, type Sealed } from '@tidings/contracts/sealed';
import { timestamp } from '@tidings/contracts/time';
import { describe, expect, it } from 'vitest';
import {
  chatRoomView,
  isEntry,
  messageEntry,
  messageView,
  previewOf,
  roomChangeEntry,
  shorten,
  shownName,
  withoutErased,
} from './index.ts';

const room = derivedId<RoomId>('test', 'room');
const ada = derivedId<UserId>('test', 'ada');
const at = timestamp(Date.UTC(2026, 0, 2, 3, 4, 5, 6));
const place = {
  shard: 0,
  position: START,
  stream: 'message-x' as StreamId,
  revision: 0,
  id: derivedId<EventId>('e'),
  meta: {},
  recordedAt: at,
};
const sent = (body: Sealed<MessageBody>): Recorded<MessageSent> => ({
  ...place,
  type: 'MessageSent',
  data: { roomId: room, messageId: derivedId<MessageId>('m'), senderId: ada, body, mentions: [], threadId: null },
});
const left: Recorded<RoomLeft> = { ...place, type: 'RoomLeft', data: { roomId: room, roomType: 'Group', userId: ada, by: ada } };
const text = (value: string): MessageBody => ({ type: 'Text', text: value });
const reply: MessageBody = {
  type: 'Reply',
  text: 'yes',
  quoted: { messageId: derivedId<MessageId>('q'), senderId: ada, createdAt: at, body: { type: 'Reply', text: 'well?' } },
};

describe('messageView', () => {
  it('gives the fields of the contract in one order', () => {
    expect(JSON.stringify(messageView(messageEntry(sent(text('hi')), 7)))).toBe(
      JSON.stringify({
        chatRoomId: room,
        messageId: derivedId('m'),
        senderId: ada,
        msgBody: { text: 'hi' },
        msgType: 'Text',
        createdAt: '2026-01-02T03:04:05.006Z',
        seq: 7,
      }),
    );
  });

  it('quotes one level, snake_case inside a quoted reply as ISM has it', () => {
    expect(messageView(messageEntry(sent(reply), 1)).msgBody).toEqual({
      replyMsgId: derivedId('q'),
      replySenderId: ada,
      replyMsgType: 'Reply',
      replyCreatedAt: at,
      replyMsgDetails: { reply_text: 'well?' },
      replyText: 'yes',
    });
  });

  it('shows nothing of a quote whose author was erased, as if it were taken away afterwards', () => {
    if (reply.type !== 'Reply') throw new Error('a reply is one');
    const shown = messageView(messageEntry(sent({ ...reply, quoted: { ...reply.quoted, body: SHREDDED } }), 1)).msgBody;
    expect(shown).toEqual(withoutErased(messageView(messageEntry(sent(reply), 1)).msgBody, ada));
    expect(shown).toMatchObject({ replyMsgType: 'Text', replyMsgDetails: { text: '' }, replyText: 'yes' });
  });

  it('keeps the place of an erased message', () => {
    expect(messageView(messageEntry(sent(SHREDDED), 2))).toMatchObject({ seq: 2, msgType: 'Text', msgBody: { text: '' }, erased: true });
    expect(shownName(SHREDDED)).toBe('Deleted user');
  });

  it('matches its codec in every variant', () => {
    const bodies: readonly Sealed<MessageBody>[] = [
      text('a'),
      reply,
      { type: 'Media', mediaUrl: 'u', mediaType: 'IMAGE', mimeType: null, altText: null },
      SHREDDED,
    ];
    for (const body of bodies) expect(Message.is(messageView(messageEntry(sent(body), 1)))).toBe(true);
    expect(Message.is(messageView(roomChangeEntry(left, 1, { displayName: 'Ada', joinedAt: at })))).toBe(true);
  });
});

describe('isEntry', () => {
  it('tells nobody in a private room that the other left', () => {
    expect(isEntry(left, 'Group')).toBe(true);
    expect(isEntry(left, 'Single')).toBe(false);
    expect(isEntry(sent(text('a')), 'Single')).toBe(true);
  });
});

describe('previews', () => {
  it.each([
    ['a'.repeat(50), 'a'.repeat(50)],
    ['a'.repeat(51), `${'a'.repeat(40)}...`],
    ['😀'.repeat(50), '😀'.repeat(50)],
    ['😀'.repeat(51), `${'😀'.repeat(40)}...`],
  ])('shortens by characters, not by UTF-16 units: %s', (given, shown) => {
    expect(shorten(given)).toBe(shown);
  });

  it('say who did what', () => {
    expect(previewOf(messageView(messageEntry(sent(reply), 1)), 'Ada')).toEqual({
      type: 'Reply',
      sender_username: 'Ada',
      reply_text: 'yes',
    });
    expect(previewOf(messageView(roomChangeEntry(left, 1, { displayName: 'Ada', joinedAt: at })), 'Ada')).toEqual({
      type: 'RoomChange',
      sender_username: 'Ada',
      room_change_type: 'LEAVE',
    });
  });
});

describe('chatRoomView', () => {
  const facts = {
    id: room,
    roomType: 'Single' as const,
    name: null,
    image: null,
    createdAt: at,
    lastSeq: 5,
    latestAt: timestamp(Date.UTC(2027, 0, 1)),
    preview: { type: 'Text' as const, sender_username: 'Ada', text: 'hi' },
  };

  const bob = { displayName: 'Bob', profilePicture: null };

  it('is new and unread to its first members', () => {
    const viewer = { joinedAt: at, joinedSeq: 0, readSeq: null, mentionCount: 0, other: bob };
    expect(chatRoomView({ ...facts, lastSeq: 0, latestAt: null, preview: null }, viewer)).toEqual({
      id: room,
      roomType: 'Single',
      roomImageUrl: null,
      roomName: 'Bob',
      createdAt: at,
      latestMessage: at,
      unread: true,
      latestMessagePreviewText: { type: 'New' },
      unreadCount: 0,
      mentionCount: 0,
    });
  });

  it('counts what came after the read mark, and after joining', () => {
    expect(chatRoomView(facts, { joinedAt: at, joinedSeq: 0, readSeq: 3, mentionCount: 0, other: bob }).unreadCount).toBe(2);
    expect(chatRoomView(facts, { joinedAt: at, joinedSeq: 4, readSeq: 3, mentionCount: 0, other: bob }).unreadCount).toBe(1);
    expect(chatRoomView(facts, { joinedAt: at, joinedSeq: 0, readSeq: 5, mentionCount: 0, other: bob })).toMatchObject({
      unread: false,
      unreadCount: 0,
    });
  });

  it('looks as the other one of a private room, or as the group was made to look', () => {
    const viewer = { joinedAt: at, joinedSeq: 0, readSeq: null, mentionCount: 2 };
    expect(chatRoomView(facts, { ...viewer, other: { displayName: 'Bob', profilePicture: '/bob.png' } })).toMatchObject({
      roomName: 'Bob',
      roomImageUrl: '/bob.png',
      mentionCount: 2,
    });
    const image = 'ab'.repeat(32) as BlobId; // by its looks
    expect(chatRoomView({ ...facts, roomType: 'Group' as const, name: 'Band', image }, { ...viewer, other: null })).toMatchObject({
      roomName: 'Band',
      roomImageUrl: `/api/rooms/${room}/image?v=abababababababab`,
    });
  });

  it('shows nothing of before to who came back to a private room', () => {
    expect(chatRoomView(facts, { joinedAt: at, joinedSeq: 5, readSeq: 5, mentionCount: 0, other: bob })).toMatchObject({
      latestMessagePreviewText: { type: 'New' },
      latestMessage: at,
    });
  });
});
