/** `POST /api/notify`: a back end tells one user something (chat-contract §6). */
import { sendNotification } from '@tidings/contracts/http/notify';
import { derivedId, type NotificationId } from '@tidings/contracts/ids';
import { may } from '@tidings/domain/authorization/may';
import { notification, notificationIdOf, notificationKey } from '@tidings/domain/notification/index';
import { user, userKey } from '@tidings/domain/user/index';
import type { FastifyInstance } from 'fastify';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import type { Platform } from '../../../platform/src/platform.ts';

export const registerNotify = (app: FastifyInstance, platform: Platform): void => {
  const { notifyClientIds } = platform.config;

  handle(
    app,
    platform,
    sendNotification,
    async ({ actor, body: { toUser, message, id }, operationId, context, settle }) => {
      const throughNotifier = actor.clientId !== null && notifyClientIds.includes(actor.clientId);
      if (!may(actor, 'send-notification', { kind: 'domain', throughNotifier })) {
        throw new ApiError('INSUFFICIENT_PERMISSIONS', 'Only applications that are allowed to send notifications do this.');
      }
      const { state } = await platform.commands.load(user, userKey(toUser));
      if (state.kind !== 'registered') throw new ApiError('CONTENT_NOT_FOUND', 'There is no such user.');
      const notificationId = id === undefined ? derivedId<NotificationId>('notification-of', operationId) : notificationIdOf(toUser, id);
      const command = { type: 'SendNotification', notificationId, toUser, message } as const;
      const sent = orReject(await platform.commands.transact(notification, notificationKey(toUser, notificationId), command, context));
      await settle(sent.position, ['feed']);
      return { notificationId };
    },
    { idempotent: true, rateClass: 'messages' },
  );
};
