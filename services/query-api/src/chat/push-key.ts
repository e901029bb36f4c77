/** What a browser needs before it subscribes to Web Push. */
import { getPushKey } from '@tidings/contracts/http/push';
import { vapidKeys } from '@tidings/infra/push/vapid';
import type { FastifyInstance } from 'fastify';
import { handle } from '../../../http-kit/src/handle.ts';
import type { Platform } from '../../../platform/src/platform.ts';

export const registerPushKey = (app: FastifyInstance, platform: Platform): void => {
  handle(app, platform, getPushKey, async () => ({ publicKey: (await vapidKeys(platform.pool)).publicKey }));
};
