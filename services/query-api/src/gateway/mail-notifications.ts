/** Who wants mail of which room, and how a message reached whom. */
import { getMailNotifications, getMessageMails, getRoomMailNotifications } from '@tidings/contracts/http/gateway-out';
import type { FastifyInstance } from 'fastify';
import { handle } from '../../../http-kit/src/handle.ts';
import { mailNotificationsOf, NOTIFICATION_READS, roomMailNotificationsOf } from '../../../platform/src/gateway/mail-notifications.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { entryFor, MESSAGE_READS, readerOf, shownTo } from '../chat/reader.ts';

export const registerMailNotifications = (app: FastifyInstance, platform: Platform): void => {
  handle(app, platform, getMailNotifications, ({ actor: { userId } }) => mailNotificationsOf(platform, userId), {
    reads: NOTIFICATION_READS,
  });

  handle(
    app,
    platform,
    getRoomMailNotifications,
    async ({ actor: { userId }, params: { roomId } }) => {
      await readerOf(platform, roomId, userId); // refuses who is not in it
      return roomMailNotificationsOf(platform, userId, roomId);
    },
    { reads: [...NOTIFICATION_READS, ...MESSAGE_READS] },
  );

  handle(
    app,
    platform,
    getMessageMails,
    async ({ actor, params: { roomId, messageId } }) => {
      const reader = await readerOf(platform, roomId, actor.userId);
      const { mails = [] } = await shownTo(platform, reader, await entryFor(platform, reader, roomId, messageId));
      return { content: mails };
    },
    { reads: MESSAGE_READS },
  );
};
