/** When a user is told by mail of what is said in their rooms. */
import { setMailNotifications, setRoomMailNotifications } from '@tidings/contracts/http/gateway-out';
import { type NoticesCommand, isTimeZone, notices, noticesKey } from '@tidings/domain/notices/index';
import { mayIn, room, roomKey } from '@tidings/domain/room/index';
import type { FastifyInstance } from 'fastify';
import { ApiError, invalid } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import { mailNotificationsOf, NOTIFICATION_READS, roomMailNotificationsOf } from '../../../platform/src/gateway/mail-notifications.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { besides } from '../chat/context.ts';

export const registerMailNotifications = (app: FastifyInstance, platform: Platform): void => {
  handle(app, platform, setMailNotifications, async ({ actor: { userId }, body: { standard, digest }, context, settle }) => {
    if (digest !== undefined && !isTimeZone(digest.timeZone)) {
      throw invalid([{ path: 'digest.timeZone', message: 'must be a time zone such as Europe/Paris' }]);
    }
    const commands: readonly NoticesCommand[] = [
      // First what can be refused.
      ...(digest === undefined ? [] : [{ type: 'SetDigestTimes' as const, userId, ...digest }]),
      ...(standard === undefined ? [] : [{ type: 'SetMailPolicy' as const, userId, roomId: null, policy: standard }]),
    ];
    for (const command of commands) {
      const done = orReject(await platform.commands.transact(notices, noticesKey(userId), command, besides(context, command.type)));
      await settle(done.position, NOTIFICATION_READS);
    }
    return mailNotificationsOf(platform, userId);
  });

  handle(app, platform, setRoomMailNotifications, async ({ actor: { userId }, params: { roomId }, body: { policy }, context, settle }) => {
    const { state } = await platform.commands.load(room, roomKey(roomId));
    if (!mayIn(state, userId, 'read')) throw new ApiError('INSUFFICIENT_PERMISSIONS', 'You are not a member of this room.');
    const command = { type: 'SetMailPolicy', userId, roomId, policy } as const;
    const { position } = orReject(await platform.commands.transact(notices, noticesKey(userId), command, context));
    await settle(position, NOTIFICATION_READS);
    return roomMailNotificationsOf(platform, userId, roomId);
  });
};
