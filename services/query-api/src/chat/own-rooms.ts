/** Someone's rooms, the latest first, by a part of the name they see: the list of rooms and the list of share targets. */
import { RoomId, type UserId } from '@tidings/contracts/ids';
import { Timestamp } from '@tidings/contracts/time';
import { namesOf } from '@tidings/projections/chat-view/reading';
import { roomsOf, type JoinedRoom, type RoomPage } from '@tidings/projections/rooms/index';
import { nameKey } from '@tidings/projections/users/index';
import * as t from 'io-ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { decodeCursor } from './cursor.ts';

const RoomCursor = t.readonly(t.type({ lastSeenAt: Timestamp, lastSeenId: RoomId }));

export const roomCursor = (last: JoinedRoom): t.TypeOf<typeof RoomCursor> => ({ lastSeenAt: last.sortAt, lastSeenId: last.id });

/** @throws ApiError 400 for a cursor of another list */
export const roomAfter = (cursor: string | undefined): RoomPage['after'] => {
  const place = decodeCursor(RoomCursor, cursor);
  return place === null ? null : { at: place.lastSeenAt, id: place.lastSeenId };
};

/** Those on the page, or all. Any name contains an empty one. */
export const ownRooms = async (platform: Platform, viewer: UserId, name: string, page: RoomPage | null): Promise<readonly JoinedRoom[]> => {
  const schema = platform.liveSchema('rooms');
  if (name === '') return platform.read.any(roomsOf(schema, viewer, page));
  // A private room is called by the other's name, which another read model has; one person's rooms are few enough to look at each.
  const rooms = await platform.read.any(roomsOf(schema, viewer, null));
  const nameOf = await namesOf(
    platform,
    rooms.flatMap(({ otherId }) => otherId ?? []),
  );
  const wanted = nameKey(name);
  const found = rooms.filter((room) => nameKey((room.otherId === null ? room.name : nameOf(room.otherId)) ?? '').includes(wanted));
  if (page === null) return found;
  const { after, limit } = page;
  return found.filter((room) => after === null || isBehind(room, after)).slice(0, limit);
};

/** As `roomsOf` orders: times and ids sort as text. */
const isBehind = (room: JoinedRoom, after: NonNullable<RoomPage['after']>): boolean =>
  room.sortAt < after.at || (room.sortAt === after.at && room.id < after.id);
