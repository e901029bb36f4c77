import { eventOf } from '@tidings/contracts/events/definition';
import { RoomClosed, RoomCreated, RoomJoined, RoomLeft } from '@tidings/contracts/events/room';

export type { RoomEvent } from '@tidings/contracts/events/room';
export const roomCreated = eventOf(RoomCreated);
export const roomJoined = eventOf(RoomJoined);
export const roomLeft = eventOf(RoomLeft);
export const roomClosed = eventOf(RoomClosed);
