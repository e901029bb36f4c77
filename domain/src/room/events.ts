import { eventOf } from '@tidings/contracts/events/definition';
import {
  MemberRoleChanged,
  MessagePinned,
  MessageUnpinned,
  RoomClosed,
  RoomCreated,
  RoomImageChanged,
  RoomJoined,
  RoomLeft,
  RoomRenamed,
} from '@tidings/contracts/events/room';

export type { RoomEvent } from '@tidings/contracts/events/room';
export const roomCreated = eventOf(RoomCreated);
export const roomJoined = eventOf(RoomJoined);
export const roomLeft = eventOf(RoomLeft);
export const roomClosed = eventOf(RoomClosed);
export const roomRenamed = eventOf(RoomRenamed);
export const roomImageChanged = eventOf(RoomImageChanged);
export const memberRoleChanged = eventOf(MemberRoleChanged);
export const messagePinned = eventOf(MessagePinned);
export const messageUnpinned = eventOf(MessageUnpinned);
