/**
 * Stream `room-<roomId>`: who is in a room and what they made of it (name, image, roles, pins). Messages have streams of their own, so a busy
 * room never blocks its members.
 */
import * as t from 'io-ts';
import { int, nullable, oneOf, text } from '../codec.ts';
import { BlobId, MessageId, RoomId, UserId } from '../ids.ts';
import { sealed } from '../sealed.ts';
import { defineEvent, type EventOf } from './definition.ts';

export const RoomType = oneOf('Single', 'Group');
export type RoomType = t.TypeOf<typeof RoomType>;
/** The creator of a group is its owner; in a private room everyone is a member. */
export const RoomRole = oneOf('owner', 'admin', 'member');
export type RoomRole = t.TypeOf<typeof RoomRole>;
export const RoomName = text(1, 100);

export const RoomCreated = defineEvent({
  type: 'RoomCreated',
  doc: 'A room was created with its first members; all are joined at once.',
  data: t.readonly(
    t.type({
      roomId: RoomId,
      roomType: RoomType,
      name: sealed(nullable(RoomName)),
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
  version: 2,
  doc: '`userId` left the room, or was taken out by a block; with another `by` they were removed.',
  data: t.readonly(t.type({ roomId: RoomId, roomType: RoomType, userId: UserId, by: UserId })),
  upcasts: [{ to: 2, apply: (data) => ({ ...data, by: data.userId ?? null }) }],
});
export type RoomLeft = EventOf<typeof RoomLeft>;

export const RoomClosed = defineEvent({
  type: 'RoomClosed',
  doc: 'The last member of a group left: the room and its messages are gone.',
  data: t.readonly(t.type({ roomId: RoomId })),
});
export type RoomClosed = EventOf<typeof RoomClosed>;

export const RoomRenamed = defineEvent({
  type: 'RoomRenamed',
  doc: 'A group got another name, or none.',
  data: t.readonly(t.type({ roomId: RoomId, name: sealed(nullable(RoomName)), by: UserId })),
  personal: [{ subject: 'by', fields: ['name'] }],
});
export type RoomRenamed = EventOf<typeof RoomRenamed>;

export const RoomImageChanged = defineEvent({
  type: 'RoomImageChanged',
  doc: 'A group got another image, or none.',
  data: t.readonly(
    t.type({
      roomId: RoomId,
      by: UserId,
      image: nullable(t.readonly(t.type({ blobId: BlobId, size: int(0), mimeType: text(1, 255) }))),
    }),
  ),
});
export type RoomImageChanged = EventOf<typeof RoomImageChanged>;

export const MemberRoleChanged = defineEvent({
  type: 'MemberRoleChanged',
  doc: 'A member of a group has another role: an owner gave it, or the last owner left it to them.',
  data: t.readonly(t.type({ roomId: RoomId, userId: UserId, role: RoomRole, by: UserId })),
});
export type MemberRoleChanged = EventOf<typeof MemberRoleChanged>;

export const MessagePinned = defineEvent({
  type: 'MessagePinned',
  doc: 'A member pinned a message to the room.',
  data: t.readonly(t.type({ roomId: RoomId, messageId: MessageId, by: UserId })),
});
export type MessagePinned = EventOf<typeof MessagePinned>;

export const MessageUnpinned = defineEvent({
  type: 'MessageUnpinned',
  doc: 'A member took a pin away.',
  data: t.readonly(t.type({ roomId: RoomId, messageId: MessageId, by: UserId })),
});
export type MessageUnpinned = EventOf<typeof MessageUnpinned>;

export const roomEvents = [
  RoomCreated,
  RoomJoined,
  RoomLeft,
  RoomClosed,
  RoomRenamed,
  RoomImageChanged,
  MemberRoleChanged,
  MessagePinned,
  MessageUnpinned,
] as const;
export type RoomEvent = EventOf<(typeof roomEvents)[number]>;
