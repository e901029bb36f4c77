import { derivedId, type RoomId, type UserId } from '@tidings/contracts/ids';
import { sortedPair } from '../pair.ts';

export const category = 'room';
export const roomKey = (room: RoomId): string => room;

/** Two users have one private room and its id is known beforehand, so of any number of parallel creations one wins. */
export const privateRoomId = (a: UserId, b: UserId): RoomId => derivedId<RoomId>('private-room', ...sortedPair(a, b));
