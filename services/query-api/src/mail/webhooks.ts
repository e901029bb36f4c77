/** The webhooks of one mailbox, and what they have not taken yet. For its admins. */
import { DELIVERIES_PAGE, listMailboxDeliveries, listMailboxWebhooks } from '@tidings/contracts/http/webhooks';
import { deliveriesTo } from '@tidings/infra/webhooks/deliveries';
import { webhookById, webhooksOf } from '@tidings/projections/webhooks/index';
import type { FastifyInstance } from 'fastify';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { withoutSecret } from '../webhook-view.ts';
import { noSuchMailbox } from './access.ts';
import { assertMayOr } from './imports.ts';

const READS = ['mailboxes', 'webhooks'];

export const registerMailboxWebhooks = (app: FastifyInstance, platform: Platform): void => {
  handle(
    app,
    platform,
    listMailboxWebhooks,
    async ({ actor, params: { mailboxId } }) => {
      await assertMayOr(noSuchMailbox(), platform, actor, 'manage-webhooks', mailboxId);
      return { content: (await platform.read.any(webhooksOf(platform.liveSchema('webhooks'), mailboxId))).map(withoutSecret) };
    },
    { reads: READS },
  );

  handle(
    app,
    platform,
    listMailboxDeliveries,
    async ({ actor, params: { mailboxId, webhookId }, query: { state = null, after = null, limit = DELIVERIES_PAGE } }) => {
      await assertMayOr(noSuchMailbox(), platform, actor, 'manage-webhooks', mailboxId);
      const found = await platform.read.maybeOne(webhookById(platform.liveSchema('webhooks'), webhookId));
      if (found?.mailboxId !== mailboxId) throw new ApiError('CONTENT_NOT_FOUND', 'This mailbox has no such webhook.');
      return { content: await deliveriesTo(platform.pool, webhookId, { state, after, limit }) };
    },
    { reads: READS },
  );
};
