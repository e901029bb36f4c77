import * as E from 'fp-ts/lib/Either.js';
import { describe, expect, it } from 'vitest';
import { decode } from '../codec.ts';
import { CreateRoom, LARGEST_GROUP, MarkRead, SendMessage } from './chat.ts';

const ID = '6f1a0b52-4d9e-4b37-9a75-0b6d2f0f6c11';
const faults = (msgBody: unknown) => {
  const decoded = decode(SendMessage, { chatRoomId: ID, msgType: 'Text', msgBody });
  return E.isLeft(decoded) ? decoded.left.map(({ path, message }) => `${path} ${message}`) : [];
};

describe('a message to send', () => {
  it.each<[string, unknown]>([
    ['text', { text: 'a' }],
    ['the longest text, by characters', { text: '😀'.repeat(4000) }],
    ['media', { mediaUrl: 'u', mediaType: 'IMAGE' }],
    ['media with everything', { mediaUrl: 'u'.repeat(250), mediaType: 'i'.repeat(80), mimeType: null, altText: 'a cat' }],
    ['a reply', { replyMsgId: ID, replyText: 'yes' }],
    ['a reply as old clients write it', { replyMsgId: ID, replyText: 'yes', replyCreatedAt: '2026-01-02T03:04:05Z' }],
  ])('may be %s', (_, body) => {
    expect(faults(body)).toEqual([]);
  });

  it.each<[unknown, readonly string[]]>([
    [{ text: '' }, ['msgBody.text must be a string of 1-4000 characters']],
    [{ text: '😀'.repeat(4001) }, ['msgBody.text must be a string of 1-4000 characters']],
    [{ mediaUrl: ' JavaScript:alert(1)', mediaType: 'IMAGE' }, ['msgBody.mediaUrl must not be a javascript:, vbscript: or data: URL']],
    [{ mediaUrl: 'u' }, ['msgBody.mediaType must be a string of 1-80 characters']],
    [{ replyMsgId: 'x', replyText: 'yes' }, ['msgBody.replyMsgId must be a UUID']],
    [{ type: 'UserJoined', related_user: {} }, ['msgBody must have text, or mediaUrl and mediaType, or replyMsgId and replyText']],
    ['text', ['msgBody must have text, or mediaUrl and mediaType, or replyMsgId and replyText']],
  ])('names the field at fault in %j', (body, expected) => {
    expect(faults(body)).toEqual(expected);
  });
});

describe('a room to create', () => {
  it('takes ids in any case and keeps them lower-case', () => {
    expect(decode(CreateRoom, { roomType: 'Group', invitedUsers: [ID.toUpperCase()] })).toEqual(
      E.right({ roomType: 'Group', invitedUsers: [ID] }),
    );
  });
  it('has somebody, and not too many', () => {
    expect(E.isLeft(decode(CreateRoom, { roomType: 'Group', invitedUsers: [] }))).toBe(true);
    expect(E.isLeft(decode(CreateRoom, { roomType: 'Group', invitedUsers: Array(LARGEST_GROUP + 1).fill(ID) }))).toBe(true);
  });
});

describe('a read mark', () => {
  it('may come without a body', () => {
    expect(decode(MarkRead, undefined)).toEqual(E.right(undefined));
    expect(decode(MarkRead, null)).toEqual(E.right(undefined));
    expect(decode(MarkRead, { upTo: ID })).toEqual(E.right({ upTo: ID }));
    expect(decode(MarkRead, { upTo: 'x' })).toEqual(E.left([{ path: 'upTo', message: 'must be a UUID' }]));
  });
});
