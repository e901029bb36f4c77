/** `POST /gateway/sync`: asks for a look into the IMAP account. Many at once are one look. */
import { syncGateway } from '@tidings/contracts/http/gateway';
import type { FastifyInstance } from 'fastify';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { SYNC_REQUESTED } from '../../../platform/src/gateway/imap-account.ts';
import type { Platform } from '../../../platform/src/platform.ts';

export const registerSync = (app: FastifyInstance, platform: Platform): void => {
  handle(app, platform, syncGateway, async () => {
    if (platform.config.gateway.imap === null)
      throw new ApiError('CONFLICT', 'There is no IMAP account to fetch from: EMAIL_INBOUND_MODE is not imap.');
    platform.signals.publish('gateway', SYNC_REQUESTED, SYNC_REQUESTED);
    return { success: true, message: 'Sync triggered' } as const;
  });
};
