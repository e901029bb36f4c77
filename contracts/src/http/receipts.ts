/** What of a room has reached its members, and what they have read (chat-contract §6). */
import * as t from 'io-ts';
import { MessageId, RoomId, UserId } from '../ids.ts';
import { Timestamp } from '../time.ts';
import { defineRoute, type Route } from './route.ts';

export const markDelivered = defineRoute({
  id: 'markDelivered',
  method: 'POST',
  path: '/api/rooms/{roomId}/mark-delivered',
  tag: 'Messages',
  summary: 'A device of yours has the room up to a message. The mark never moves back, and what you have read needs none.',
  params: t.readonly(t.type({ roomId: RoomId })),
  body: t.readonly(t.type({ upTo: MessageId })),
  errors: [403, 404],
});

/** `at`: when they first marked it, or something behind it. For who marks nothing: when they last wrote. */
export const Receipt = t.readonly(t.type({ userId: UserId, at: Timestamp }));
export type Receipt = t.TypeOf<typeof Receipt>;

/** Of members other than the sender. Whoever has read a message also has it. */
export const Receipts = t.readonly(t.type({ deliveredTo: t.readonlyArray(Receipt), readBy: t.readonlyArray(Receipt) }));
export type Receipts = t.TypeOf<typeof Receipts>;

export const getReceipts = defineRoute({
  id: 'getReceipts',
  method: 'GET',
  path: '/api/rooms/{roomId}/messages/{messageId}/receipts',
  tag: 'Messages',
  summary: 'Who of the members has a message and who has read it, in the order they joined.',
  params: t.readonly(t.type({ roomId: RoomId, messageId: MessageId })),
  response: Receipts,
  errors: [403, 404],
});

export const receiptRoutes: readonly Route[] = [markDelivered, getReceipts];
