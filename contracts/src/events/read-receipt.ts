/** Stream `read-<roomId>.<userId>`: how far one room has reached one member's devices, and how far they have read it. */
import * as t from 'io-ts';
import { int, nullable } from '../codec.ts';
import { MessageId, RoomId, UserId } from '../ids.ts';
import { defineEvent, type EventOf } from './definition.ts';

export const RoomRead = defineEvent({
  type: 'RoomRead',
  doc: 'A member has read a room up to a message; the mark never moves back.',
  data: t.readonly(t.type({ roomId: RoomId, userId: UserId, upToSeq: int(0), upTo: nullable(MessageId) })),
});
export type RoomRead = EventOf<typeof RoomRead>;

export const RoomDelivered = defineEvent({
  type: 'RoomDelivered',
  doc: 'A device of a member has a room up to a message; the mark never moves back, and what is read is delivered without it.',
  data: t.readonly(t.type({ roomId: RoomId, userId: UserId, upToSeq: int(0), upTo: MessageId })),
});
export type RoomDelivered = EventOf<typeof RoomDelivered>;

export const readReceiptEvents = [RoomRead, RoomDelivered] as const;
export type ReadReceiptEvent = EventOf<(typeof readReceiptEvents)[number]>;
