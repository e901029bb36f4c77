/** Mail that waits for a checker. */
import { listPendingMail, PENDING_PAGE } from '@tidings/contracts/http/pending-mail';
import { countPendingMails, pendingMails } from '@tidings/infra/pending-mail/pending-mail';
import type { FastifyInstance } from 'fastify';
import { handle } from '../../../http-kit/src/handle.ts';
import { assertService } from '../../../http-kit/src/service-actor.ts';
import type { Platform } from '../../../platform/src/platform.ts';

export const registerPendingMail = (app: FastifyInstance, platform: Platform): void => {
  handle(
    app,
    platform,
    listPendingMail,
    async ({ actor, query: { limit = PENDING_PAGE } }) => {
      assertService(actor);
      const [total, content] = await Promise.all([countPendingMails(platform.pool), pendingMails(platform.pool, limit)]);
      return { total, content };
    },
    { reads: [] },
  );
};
