/** The client's types, pinned: they are inferred from the route values, so a slip in a codec or a generic would change them in silence. */
import { describe, expectTypeOf, it } from 'vitest';
import type { MessageSent } from '../events/message.ts';
import type { TidingsEvent } from '../events/index.ts';
import type { ChatRoom, Message, Page } from '../http/chat-objects.ts';
import type { MessageId, RoomId, UserId } from '../ids.ts';
import type { Sealed } from '../sealed.ts';
import type { Client, RequestOf } from './client.ts';
import type { sendMessage } from '../http/chat.ts';

type Argument<K extends keyof Client> = Parameters<Client[K]>[0];
type Answer<K extends keyof Client> = Awaited<ReturnType<Client[K]>>;

describe('a route as a method of the client', () => {
  it('sendMessage: a body that must be there, ids as plain strings; a message with branded ids', () => {
    expectTypeOf<Argument<'sendMessage'>>().toEqualTypeOf<RequestOf<typeof sendMessage>>();
    expectTypeOf({ body: { chatRoomId: 'room', msgBody: { text: 'hi' } } }).toExtend<Argument<'sendMessage'>>();
    expectTypeOf({ body: { chatRoomId: 'room', msgBody: { text: 'hi' }, msgType: 'Text' as const }, idempotencyKey: 'k' }).toExtend<
      Argument<'sendMessage'>
    >();
    expectTypeOf({}).not.toExtend<Argument<'sendMessage'>>();
    expectTypeOf({ body: { chatRoomId: 'room' } }).not.toExtend<Argument<'sendMessage'>>();
    expectTypeOf({ body: { chatRoomId: 'room', msgBody: { text: 1 } } }).not.toExtend<Argument<'sendMessage'>>();
    expectTypeOf<Answer<'sendMessage'>>().toEqualTypeOf<Message>();
    expectTypeOf<Answer<'sendMessage'>['messageId']>().toEqualTypeOf<MessageId>();
    expectTypeOf<Answer<'sendMessage'>['seq']>().toEqualTypeOf<number>();
  });

  it('listRooms: nothing to say at all, or a page; an array or a page of rooms', () => {
    expectTypeOf<[]>().toExtend<Parameters<Client['listRooms']>>();
    expectTypeOf({ query: { limit: 10 } }).toExtend<Argument<'listRooms'>>();
    expectTypeOf({ query: { limit: '10' } }).not.toExtend<Argument<'listRooms'>>();
    expectTypeOf<Answer<'listRooms'>>().toExtend<readonly ChatRoom[] | Page<ChatRoom>>();
    expectTypeOf<readonly ChatRoom[] | Page<ChatRoom>>().toExtend<Answer<'listRooms'>>();
  });

  it('markRead: params that must be there, a body that may; no answer', () => {
    expectTypeOf({ params: { roomId: 'room' } }).toExtend<Argument<'markRead'>>();
    expectTypeOf({ params: { roomId: 'room' }, body: { upTo: 'message' } }).toExtend<Argument<'markRead'>>();
    expectTypeOf({ body: { upTo: 'message' } }).not.toExtend<Argument<'markRead'>>();
    expectTypeOf({ params: { userId: 'user' } }).not.toExtend<Argument<'markRead'>>();
    expectTypeOf<Answer<'markRead'>>().toEqualTypeOf<void>();
  });
});

describe('an event', () => {
  it('MessageSent: branded ids, readonly data, a sealed body', () => {
    expectTypeOf<Extract<TidingsEvent, { type: 'MessageSent' }>>().toEqualTypeOf<MessageSent>();
    expectTypeOf<MessageSent['type']>().toEqualTypeOf<'MessageSent'>();
    expectTypeOf<keyof MessageSent['data']>().toEqualTypeOf<'roomId' | 'messageId' | 'senderId' | 'body' | 'mentions' | 'threadId'>();
    expectTypeOf<MessageSent['data']['roomId']>().toEqualTypeOf<RoomId>();
    expectTypeOf<MessageSent['data']['senderId']>().toEqualTypeOf<UserId>();
    expectTypeOf<string>().not.toExtend<MessageSent['data']['senderId']>();
    expectTypeOf<Extract<MessageSent['data']['body'], { type: 'Text' }>>().toEqualTypeOf<Readonly<{ type: 'Text'; text: string }>>();
    expectTypeOf<Sealed<never>>().toExtend<MessageSent['data']['body']>();
    expectTypeOf<MessageSent['data']>().toEqualTypeOf<Readonly<MessageSent['data']>>();
  });
});
