/** Any room, as its own stream tells of it, and what was said in it. */
import type { RoomEvent } from '@tidings/contracts/events/room';
import { type AdminRoom, type AdminRoomMember, getRoomAsService, getTimelineAsService } from '@tidings/contracts/http/admin';
import { TIMELINE_PAGE } from '@tidings/contracts/http/chat';
import { roomImagePath } from '@tidings/contracts/http/media';
import { type MessageId, type RoomId, streamId, type UserId } from '@tidings/contracts/ids';
import { reveal } from '@tidings/contracts/sealed';
import type { Timestamp } from '@tidings/contracts/time';
import { isMember, room, roleOf, roomKey } from '@tidings/domain/room/index';
import { messageView } from '@tidings/projections/chat-view/index';
import { ERASED_NAME } from '@tidings/projections/chat-view/people';
import { page, type PageStart } from '@tidings/projections/timeline/index';
import { usersById } from '@tidings/projections/users/index';
import type { FastifyInstance } from 'fastify';
import { ApiError, invalid } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { assertService } from '../../../http-kit/src/service-actor.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { entryFor } from '../chat/reader.ts';

export const registerRooms = (app: FastifyInstance, platform: Platform): void => {
  handle(
    app,
    platform,
    getRoomAsService,
    async ({ actor, params: { roomId } }) => {
      assertService(actor);
      return readRoom(platform, roomId);
    },
    { reads: ['users'] },
  );

  handle(
    app,
    platform,
    getTimelineAsService,
    async ({ actor, params: { roomId }, query: { before, after, limit = TIMELINE_PAGE } }) => {
      assertService(actor);
      const { state } = await platform.commands.load(room, roomKey(roomId));
      if (state.kind !== 'open') throw noSuchRoom();
      const start = await startOf(platform, roomId, before, after);
      const found = await platform.read.any(page(platform.liveSchema('timeline'), roomId, 'all', start, limit));
      return found.map(messageView);
    },
    { reads: ['timeline'] },
  );
};

const noSuchRoom = (): ApiError => new ApiError('CONTENT_NOT_FOUND', 'There is no such room.');

const startOf = async (
  platform: Platform,
  roomId: RoomId,
  before: MessageId | undefined,
  after: MessageId | undefined,
): Promise<PageStart> => {
  if (before !== undefined && after !== undefined)
    throw invalid([{ path: 'before', message: 'cannot be combined: give one of before and after' }]);
  const beside = before ?? after;
  if (beside === undefined) return { type: 'newest' };
  const { seq } = await entryFor(platform, { visibleAfter: 0 }, roomId, beside);
  return { type: before === undefined ? 'after' : 'before', place: seq };
};

/** @throws ApiError 404 for a room that is closed or never was */
const readRoom = async (platform: Platform, roomId: RoomId): Promise<AdminRoom> => {
  const events = await platform.events.readStream(streamId(room.category, roomKey(roomId)));
  let state = room.initial;
  let created: { readonly at: Timestamp; readonly by: UserId } | null = null;
  const joinedAt = new Map<UserId, Timestamp>();
  for (const event of events) {
    state = room.evolve(state, event as RoomEvent); // the stream of a room holds nothing else
    if (event.type === 'RoomCreated') {
      created = { at: event.recordedAt, by: event.data.createdBy };
      for (const member of event.data.members) joinedAt.set(member, event.recordedAt);
    } else if (event.type === 'RoomJoined') joinedAt.set(event.data.userId, event.recordedAt);
  }
  if (state.kind !== 'open' || created === null) throw noSuchRoom();
  const open = state;
  const people = await platform.read.any(usersById(platform.liveSchema('users'), [...joinedAt.keys()]));
  const names = new Map(people.map(({ id, displayName }) => [id, displayName]));
  return {
    id: roomId,
    roomType: open.roomType,
    roomName: reveal(open.name, null),
    roomImageUrl: open.image === null ? null : roomImagePath(roomId, open.image.blobId),
    createdAt: created.at,
    createdBy: created.by,
    users: [...joinedAt].map(([id, at]): AdminRoomMember => ({
      id,
      displayName: names.get(id) ?? ERASED_NAME,
      membershipStatus: isMember(open, id) ? 'Joined' : 'Left',
      joinedAt: at,
      role: roleOf(open, id) ?? 'member',
    })),
  };
};
