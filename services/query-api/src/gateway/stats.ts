/** Figures of the gateway, from the log by way of its read model: a restart changes none of them. */
import { getGatewayStats } from '@tidings/contracts/http/gateway';
import { timestamp } from '@tidings/contracts/time';
import { gatewayFigures, lastGatewayMail } from '@tidings/projections/gateway-mails/index';
import type { FastifyInstance } from 'fastify';
import { handle } from '../../../http-kit/src/handle.ts';
import { lastFetch } from '../../../platform/src/gateway/imap-account.ts';
import type { Platform } from '../../../platform/src/platform.ts';

const DAY_MS = 86_400_000;

export const registerStats = (app: FastifyInstance, platform: Platform): void => {
  handle(
    app,
    platform,
    getGatewayStats,
    async () => {
      const schema = platform.liveSchema('gateway-mails');
      const today = timestamp(platform.now() - (platform.now() % DAY_MS));
      const { imap } = platform.config.gateway;
      const [figures, last, fetched] = await Promise.all([
        platform.read.one(gatewayFigures(schema, today)),
        platform.read.one(lastGatewayMail(schema)),
        imap === null ? null : lastFetch(platform.pool, imap),
      ]);
      return {
        inboundEnabled: true,
        outboundEnabled: platform.config.gatewayOut.enabled,
        lastSync: imap === null ? last.at : fetched,
        processedToday: figures.processed,
        failedToday: figures.failed,
      };
    },
    { reads: ['gateway-mails'] },
  );
};
