/** Stream `room-<roomId>`: who is in a room. Messages have streams of their own, so a busy room never blocks its members. */
import * as t from 'io-ts';
import { nullable, oneOf, text } from '../codec.ts';
import { RoomId, UserId } from '../ids.ts';
import { sealed } from '../sealed.ts';
import { defineEvent, type EventOf } from './definition.ts';

export const RoomType = oneOf('Single', 'Group');
export type RoomType = t.TypeOf<typeof RoomType>;

export const RoomCreated = defineEvent({
  type: 'RoomCreated',
  doc: 'A room was created with its first members; all are joined at once.',
  data: t.readonly(
    t.type({
      roomId: RoomId,
      roomType: RoomType,
      name: sealed(nullable(text(1, 100))),
      createdBy: UserId,
      members: t.readonlyArray(UserId),
    }),
  ),
  personal: [{ subject: 'createdBy', fields: ['name'] }],
});
export type RoomCreated = EventOf<typeof RoomCreated>;

export const RoomJoined = defineEvent({
  type: 'RoomJoined',
  doc: '`userId` joined, invited by `invitedBy` (themselves when they reopened a private room).',
  data: t.readonly(t.type({ roomId: RoomId, userId: UserId, invitedBy: UserId })),
});
export type RoomJoined = EventOf<typeof RoomJoined>;

export const RoomLeft = defineEvent({
  type: 'RoomLeft',
  doc: '`userId` left the room, or was taken out by a block.',
  data: t.readonly(t.type({ roomId: RoomId, roomType: RoomType, userId: UserId })),
});
export type RoomLeft = EventOf<typeof RoomLeft>;

export const RoomClosed = defineEvent({
  type: 'RoomClosed',
  doc: 'The last member of a group left: the room and its messages are gone.',
  data: t.readonly(t.type({ roomId: RoomId })),
});
export type RoomClosed = EventOf<typeof RoomClosed>;

export const roomEvents = [RoomCreated, RoomJoined, RoomLeft, RoomClosed] as const;
export type RoomEvent = EventOf<(typeof roomEvents)[number]>;
