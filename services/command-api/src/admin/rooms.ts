/** Rooms that a back end makes for others, and what it says in them. */
import { createRoomFor, postMessage } from '@tidings/contracts/http/admin';
import { derivedId, type MessageId, type RoomId } from '@tidings/contracts/ids';
import { message, messageKey } from '@tidings/domain/message/index';
import { type CreateRoom, room, roomIdOf, roomKey } from '@tidings/domain/room/index';
import type { FastifyInstance } from 'fastify';
import * as E from 'fp-ts/lib/Either.js';
import { ApiError, invalid } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import { assertService } from '../../../http-kit/src/service-actor.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { assertKnown } from '../chat/known-users.ts';
import { asSent, bringBack } from '../chat/messages.ts';
import { plainBodyOf } from '../chat/plain-body.ts';
import { createReadBack } from '../chat/read-back.ts';
import { blockedBetween, madeBefore } from '../chat/rooms.ts';
import { standingIn, strangersTo } from '../chat/standing.ts';

const ROOM_READS = ['rooms', 'timeline', 'read-states'];
/** As these routes call what others call so. */
const FIELDS = { invitedUsers: 'members' };

export const registerRooms = (app: FastifyInstance, platform: Platform): void => {
  const readBack = createReadBack(platform);

  handle(
    app,
    platform,
    createRoomFor,
    async ({ actor, body: { roomType, members, roomName = null, owner }, operationId, context, settle }) => {
      assertService(actor);
      const by = owner ?? members[0];
      if (by === undefined || !members.includes(by)) throw invalid([{ path: 'owner', message: 'must be one of members' }]);
      await assertKnown(platform, members);
      const blocked = await blockedBetween(platform, by, members);
      const groupId = derivedId<RoomId>('group', operationId);
      const command: CreateRoom = { type: 'CreateRoom', by, roomType, name: roomName, invited: members, blocked, groupId };
      const id = orReject(roomIdOf(command), {}, FIELDS);
      const created = await platform.commands.transact(room, roomKey(id), command, context);
      const earlier = E.isLeft(created) && created.left.type === 'RoomExists' ? await madeBefore(platform, id, context.commandId) : null;
      await settle(earlier ?? orReject(created, {}, FIELDS).position, ROOM_READS);
      return { id };
    },
    { idempotent: true },
  );

  handle(
    app,
    platform,
    postMessage,
    async ({ actor, params: { roomId }, body, operationId, context, settle }) => {
      assertService(actor);
      const senderId = body.senderId ?? actor.userId;
      const isOwn = senderId === actor.userId;
      const standing = await standingIn(platform, roomId, senderId);
      if (standing.state.kind !== 'open') throw new ApiError('CONTENT_NOT_FOUND', 'There is no such room.');
      const { away, isBlocked } = standing;
      const messageId = derivedId<MessageId>('message', operationId);
      if (away !== null && !isBlocked) await bringBack(platform, { roomId, messageId, away, by: senderId, context });
      const mentions = body.mentions ?? [];
      const sent = await platform.commands.transact(
        message,
        messageKey(roomId, messageId),
        {
          ...{ type: 'SendMessage', roomId, messageId, senderId, body: plainBodyOf(body.msgBody), mentions, isBlocked },
          notMembers: strangersTo(standing, mentions),
          threadId: null,
          threadRoot: 'message',
          isMember: isOwn || standing.isMember,
        },
        context,
      );
      if (E.isLeft(sent) && sent.left.type === 'NotAMember') throw invalid([{ path: 'senderId', message: 'must be a member of the room' }]);
      const { state, position } = orReject(sent);
      await settle(position, ROOM_READS);
      const shown = await readBack(messageId);
      if (shown === undefined) throw new ApiError('CONTENT_NOT_FOUND', 'The room was closed as you wrote.');
      return asSent(shown, state);
    },
    { idempotent: true },
  );
};
