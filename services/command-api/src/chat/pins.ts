/** Pins: any member pins what they see, and takes any pin away. */
import { pinMessage, unpinMessage } from '@tidings/contracts/http/messages';
import { room, roomKey } from '@tidings/domain/room/index';
import type { FastifyInstance } from 'fastify';
import { handle } from '../../../http-kit/src/handle.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { messageFor, standingIn } from './standing.ts';

const PIN_READS = ['timeline'];

export const registerPins = (app: FastifyInstance, platform: Platform): void => {
  handle(app, platform, pinMessage, async ({ actor, params: { roomId, messageId }, context, settle }) => {
    const by = actor.userId;
    const standing = await standingIn(platform, roomId, by);
    const found = standing.isMember ? await messageFor(platform, standing, roomId, messageId, by) : null;
    const messageExists = found !== null && !found.isDeleted;
    const { position } = orReject(
      await platform.commands.transact(
        room,
        roomKey(roomId),
        { type: 'PinMessage', roomId, by, messageId, messageExists, isBlocked: standing.isBlocked },
        context,
      ),
    );
    await settle(position, PIN_READS);
  });

  handle(app, platform, unpinMessage, async ({ actor, params: { roomId, messageId }, context, settle }) => {
    const by = actor.userId;
    const { isBlocked } = await standingIn(platform, roomId, by);
    const { position } = orReject(
      await platform.commands.transact(room, roomKey(roomId), { type: 'UnpinMessage', roomId, by, messageId, isBlocked }, context),
    );
    await settle(position, PIN_READS);
  });
};
