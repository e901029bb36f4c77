/** `GET /api/rooms/share-targets`: the rooms one can write to, the latest first, then friends one would have to open a room with. */
import type { Page } from '@tidings/contracts/http/chat-objects';
import { listShareTargets, SEARCH_PAGE, type ShareTarget } from '@tidings/contracts/http/search';
import { RoomId, UserId } from '@tidings/contracts/ids';
import { Timestamp } from '@tidings/contracts/time';
import { userView } from '@tidings/projections/chat-view/index';
import { readRooms, ROOM_READS } from '@tidings/projections/chat-view/reading';
import { othersBy } from '@tidings/projections/relationships/index';
import { roomsOf } from '@tidings/projections/rooms/index';
import { someByName } from '@tidings/projections/users/index';
import type { FastifyInstance } from 'fastify';
import * as t from 'io-ts';
import { handle } from '../../../http-kit/src/handle.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { decodeCursor, pageOfFound } from './cursor.ts';
import { ownRooms } from './own-rooms.ts';

/** The last one of the page before: a room, or a friend behind all rooms. */
const TargetCursor = t.union([
  t.readonly(t.type({ lastSeenAt: Timestamp, lastSeenRoom: RoomId })),
  t.readonly(t.type({ lastSeenName: t.string, lastSeenUser: UserId })),
]);
type TargetCursor = t.TypeOf<typeof TargetCursor>;

interface Target {
  readonly view: ShareTarget;
  readonly cursor: TargetCursor;
}

export const registerShareTargets = (app: FastifyInstance, platform: Platform): void => {
  handle(
    app,
    platform,
    listShareTargets,
    async ({ actor, query: { name = '', cursor, limit = SEARCH_PAGE } }): Promise<Page<ShareTarget>> => {
      const after = decodeCursor(TargetCursor, cursor);
      const isPastRooms = after !== null && 'lastSeenUser' in after;
      const rooms = isPastRooms ? [] : await roomTargets(platform, actor.userId, name, after, limit + 1);
      const missing = limit + 1 - rooms.length;
      const friends = missing === 0 ? [] : await friendTargets(platform, actor.userId, name, isPastRooms ? after : null, missing);
      const found = [...rooms, ...friends];
      return pageOfFound(
        found,
        limit,
        (last) => last.cursor,
        found.map(({ view }) => view),
      );
    },
    { reads: [...ROOM_READS, 'relationships'] },
  );
};

/** Without private rooms of people in a block relation: nothing passes there. */
const roomTargets = async (
  platform: Platform,
  actor: UserId,
  name: string,
  after: { readonly lastSeenAt: Timestamp; readonly lastSeenRoom: RoomId } | null,
  limit: number,
): Promise<readonly Target[]> => {
  const schema = platform.liveSchema('relationships');
  const [blocked, blocking] = await Promise.all([
    platform.read.any(othersBy(schema, actor, 'CLIENT_BLOCKED')),
    platform.read.any(othersBy(schema, actor, 'CLIENT_GOT_BLOCKED')),
  ]);
  const closed = new Set([...blocked, ...blocking].map(({ otherId }) => otherId));
  const place = after === null ? null : { at: after.lastSeenAt, id: after.lastSeenRoom };
  const found = await ownRooms(platform, actor, name, { after: place, limit: limit + closed.size }); // one private room for each at most
  const open = found.filter(({ otherId }) => otherId === null || !closed.has(otherId)).slice(0, limit);
  const views = new Map((await readRooms(platform, actor, open)).map((room) => [room.id, room]));
  return open.flatMap(({ id, sortAt }) => {
    const room = views.get(id);
    if (room === undefined) return [];
    const target = { kind: 'room' as const, room_id: id, room_type: room.roomType };
    return [{ view: { name: room.roomName, imageUrl: room.roomImageUrl, target }, cursor: { lastSeenAt: sortAt, lastSeenRoom: id } }];
  });
};

/** Friends whom the caller has no private room with now. */
const friendTargets = async (
  platform: Platform,
  actor: UserId,
  name: string,
  after: { readonly lastSeenName: string; readonly lastSeenUser: UserId } | null,
  limit: number,
): Promise<readonly Target[]> => {
  const [friends, rooms] = await Promise.all([
    platform.read.any(othersBy(platform.liveSchema('relationships'), actor, 'FRIEND')),
    platform.read.any(roomsOf(platform.liveSchema('rooms'), actor, null)),
  ]);
  const met = new Set(rooms.map(({ otherId }) => otherId));
  const others = friends.flatMap(({ otherId }) => (met.has(otherId) ? [] : otherId));
  if (others.length === 0) return [];
  const place = after === null ? null : { nameKey: after.lastSeenName, id: after.lastSeenUser };
  const found = await platform.read.any(someByName(platform.liveSchema('users'), others, { contains: name, after: place, limit }));
  return found.map((friend) => {
    const { id, displayName, profilePicture } = userView(friend);
    return {
      view: { name: displayName, imageUrl: profilePicture, target: { kind: 'user' as const, user_id: id } },
      cursor: { lastSeenName: friend.nameKey ?? '', lastSeenUser: id },
    };
  });
};
