/** Creating, joining and leaving rooms (chat-contract §1.4, §6). */
import { createRoom, inviteToRoom, leaveRoom } from '@tidings/contracts/http/chat';
import type { ChatRoom } from '@tidings/contracts/http/chat-objects';
import { derivedId, type CommandId, type RoomId, streamId, type UserId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import { isBlocked, relationship, relationshipKey } from '@tidings/domain/relationship/index';
import { type CreateRoom, isMember, room, roomIdOf, roomKey } from '@tidings/domain/room/index';
import { readRooms } from '@tidings/projections/chat-view/reading';
import { relationsTo } from '@tidings/projections/relationships/index';
import { roomOf } from '@tidings/projections/rooms/index';
import type { FastifyInstance } from 'fastify';
import * as E from 'fp-ts/lib/Either.js';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import { transactOnce } from '../../../http-kit/src/retry.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { sendFirst } from './first-message.ts';
import { assertKnown } from './known-users.ts';

/** Where a room and its changes show. */
const ROOM_CHANGE_READS = ['rooms', 'timeline', 'read-states'];

export const registerRooms = (app: FastifyInstance, platform: Platform): void => {
  handle(
    app,
    platform,
    createRoom,
    async ({ actor, body, operationId, context, settle }) => {
      const by = actor.userId;
      const invited = body.invitedUsers;
      const command: CreateRoom = {
        type: 'CreateRoom',
        by,
        roomType: body.roomType,
        name: body.roomName ?? null,
        invited,
        blocked: await blockedBetween(platform, by, invited),
        groupId: derivedId<RoomId>('group', operationId),
      };
      const roomId = orReject(roomIdOf(command));
      await assertKnown(platform, invited);
      const created = await platform.commands.transact(room, roomKey(roomId), command, context);
      const earlier =
        E.isLeft(created) && created.left.type === 'RoomExists' ? await madeBefore(platform, roomId, context.commandId) : null;
      const made = earlier ?? orReject(created).position;
      const msgBody = body.firstMessage ?? null;
      const said = msgBody === null ? made : await sendFirst(platform, { roomId, by, msgBody, operationId, context });
      await settle(said, ROOM_CHANGE_READS);
      return readRoom(platform, by, roomId);
    },
    { idempotent: true },
  );

  handle(
    app,
    platform,
    inviteToRoom,
    async (ctx) => {
      const { roomId, userId } = ctx.params;
      const by = ctx.actor.userId;
      const [between, { state }] = await Promise.all([
        platform.commands.load(relationship, relationshipKey(by, userId)),
        platform.commands.load(room, roomKey(roomId)),
      ]);
      const blocked = isBlocked(between.state);
      if (!blocked) {
        // A stranger is not told that a room is a private one, which the decision would say first.
        if (!isMember(state, by)) orReject(E.left({ type: 'NotAMember', userId: by } as const));
        await assertKnown(platform, [userId]);
      }
      const invited = orReject(
        await transactOnce(platform, ctx, room, roomKey(roomId), { type: 'InviteToRoom', roomId, by, userId, blocked }),
      );
      await ctx.settle(invited.position, ROOM_CHANGE_READS);
    },
    { idempotent: true },
  );

  handle(
    app,
    platform,
    leaveRoom,
    async (ctx) => {
      const { roomId } = ctx.params;
      const left = orReject(
        await transactOnce(platform, ctx, room, roomKey(roomId), { type: 'LeaveRoom', roomId, userId: ctx.actor.userId }),
      );
      await ctx.settle(left.position, ROOM_CHANGE_READS);
    },
    { idempotent: true },
  );
};

/** Those who blocked `by` or are blocked by them. */
export const blockedBetween = async (platform: Platform, by: UserId, others: readonly UserId[]): Promise<readonly UserId[]> => {
  const relations = await platform.read.any(relationsTo(platform.liveSchema('relationships'), by, others));
  return relations
    .filter(({ relation }) => relation === 'CLIENT_BLOCKED' || relation === 'CLIENT_GOT_BLOCKED')
    .map(({ otherId }) => otherId);
};

/** Where this very command created or reopened the room before: a retry gets the answer that was lost. Null when it was another one. */
export const madeBefore = async (platform: Platform, roomId: RoomId, command: CommandId): Promise<Position | null> => {
  const events = await platform.events.readStream(streamId(room.category, roomKey(roomId)));
  return events.find((event) => event.meta.commandId === command)?.position ?? null;
};

const readRoom = async (platform: Platform, viewer: UserId, roomId: RoomId): Promise<ChatRoom> => {
  const joined = await platform.read.any(roomOf(platform.liveSchema('rooms'), viewer, roomId));
  const [shown] = await readRooms(platform, viewer, joined);
  if (shown === undefined) throw new ApiError('CONTENT_NOT_FOUND', 'The room was left as it was made.');
  return shown;
};
