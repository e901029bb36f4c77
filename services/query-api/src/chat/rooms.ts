/** Rooms as their members see them. Who is not in a room learns nothing of it, not even whether there is one. */
import { getReadStates, getRoom, getRoomDetailed, listRooms, listRoomUsers, searchRoom } from '@tidings/contracts/http/chat';
import type { ChatRoom } from '@tidings/contracts/http/chat-objects';
import type { RoomId, UserId } from '@tidings/contracts/ids';
import { privateRoomId } from '@tidings/domain/room/index';
import { readMembers, readRooms, ROOM_READS, type SeenMember } from '@tidings/projections/chat-view/reading';
import { membership, roomOf } from '@tidings/projections/rooms/index';
import type { FastifyInstance } from 'fastify';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { pageOfFound } from './cursor.ts';
import { ownRooms, roomAfter, roomCursor } from './own-rooms.ts';

/** Of a page whose caller gave a cursor and no size. */
const DEFAULT_PAGE = 20;

export const registerRooms = (app: FastifyInstance, platform: Platform): void => {
  const reads = { reads: ROOM_READS };

  handle(
    app,
    platform,
    listRooms,
    async ({ actor, query: { name, cursor, limit } }) => {
      const isPaged = cursor !== undefined || limit !== undefined;
      const size = limit ?? DEFAULT_PAGE;
      const page = isPaged ? { after: roomAfter(cursor), limit: size + 1 } : null;
      const found = await ownRooms(platform, actor.userId, name ?? '', page);
      const shown = await readRooms(platform, actor.userId, found);
      return isPaged ? pageOfFound(found, size, roomCursor, shown) : shown;
    },
    reads,
  );

  handle(
    app,
    platform,
    searchRoom,
    async ({ actor, query: { withUser } }) => {
      const id = privateRoomId(actor.userId, withUser);
      const joined = await platform.read.maybeOne(membership(platform.liveSchema('rooms'), id, actor.userId));
      return joined === null ? null : id;
    },
    reads,
  );

  handle(app, platform, getRoom, ({ actor, params }) => ownRoom(platform, actor.userId, params.roomId), reads);

  handle(
    app,
    platform,
    getRoomDetailed,
    async ({ actor, params: { roomId } }) => {
      const [room, members] = await Promise.all([ownRoom(platform, actor.userId, roomId), readMembers(platform, actor.userId, roomId)]);
      return { ...room, users: members.map(({ view }) => view) };
    },
    reads,
  );

  handle(
    app,
    platform,
    listRoomUsers,
    async ({ actor, params: { roomId } }) => (await joinedMembers(platform, actor.userId, roomId)).map(({ view }) => view),
    reads,
  );

  handle(
    app,
    platform,
    getReadStates,
    async ({ actor, params: { roomId } }) => {
      const members = await joinedMembers(platform, actor.userId, roomId);
      return members.filter(({ upToDate }) => upToDate).map(({ view }) => view);
    },
    reads,
  );
};

/** @throws ApiError 404 */
const ownRoom = async (platform: Platform, viewer: UserId, roomId: RoomId): Promise<ChatRoom> => {
  const found = await platform.read.any(roomOf(platform.liveSchema('rooms'), viewer, roomId));
  const [room] = await readRooms(platform, viewer, found);
  if (room === undefined) throw new ApiError('CONTENT_NOT_FOUND', 'There is no such room among yours.');
  return room;
};

/** Those who are in the room now, for someone who is. @throws ApiError 403 */
const joinedMembers = async (platform: Platform, viewer: UserId, roomId: RoomId): Promise<readonly SeenMember[]> => {
  const joined = (await readMembers(platform, viewer, roomId)).filter(({ view }) => view.membershipStatus === 'Joined');
  if (!joined.some(({ view }) => view.id === viewer)) {
    throw new ApiError('INSUFFICIENT_PERMISSIONS', 'You are not a member of this room.');
  }
  return joined;
};
