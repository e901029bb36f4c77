/** Which webhooks there are, and what they have not taken yet. For administrators. */
import { DELIVERIES_PAGE, listDeliveries, listWebhooks } from '@tidings/contracts/http/webhooks';
import { may } from '@tidings/domain/authorization/may';
import { deliveriesTo } from '@tidings/infra/webhooks/deliveries';
import { allWebhooks, webhookById } from '@tidings/projections/webhooks/index';
import type { FastifyInstance } from 'fastify';
import type { Actor } from '../../../http-kit/src/ctx.ts';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { withoutSecret } from '../webhook-view.ts';

const READS = ['webhooks'];

export const registerWebhooks = (app: FastifyInstance, platform: Platform): void => {
  handle(
    app,
    platform,
    listWebhooks,
    async ({ actor }) => {
      assertAdmin(actor);
      return (await platform.read.any(allWebhooks(platform.liveSchema('webhooks')))).map(withoutSecret);
    },
    { reads: READS },
  );

  handle(
    app,
    platform,
    listDeliveries,
    async ({ actor, params: { webhookId }, query: { state = null, after = null, limit = DELIVERIES_PAGE } }) => {
      assertAdmin(actor);
      const found = await platform.read.maybeOne(webhookById(platform.liveSchema('webhooks'), webhookId));
      if (found === null) throw new ApiError('CONTENT_NOT_FOUND', 'There is no such webhook.');
      return deliveriesTo(platform.pool, webhookId, { state, after, limit });
    },
    { reads: READS },
  );
};

const assertAdmin = (actor: Actor): void => {
  if (!may(actor, 'manage-webhooks', { kind: 'domain' }))
    throw new ApiError('INSUFFICIENT_PERMISSIONS', 'Only administrators see webhooks.');
};
