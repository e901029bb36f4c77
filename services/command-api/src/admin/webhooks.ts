/** Registering and removing webhooks, and trying a dead letter again. For administrators. */
import { registerWebhook, removeWebhook, retryDelivery } from '@tidings/contracts/http/webhooks';
import { derivedId, type WebhookId } from '@tidings/contracts/ids';
import { may } from '@tidings/domain/authorization/may';
import { webhook, webhookKey } from '@tidings/domain/webhook/index';
import { removeDeliveriesTo, retryNow } from '@tidings/infra/webhooks/deliveries';
import { faultOfUrl, guardOf } from '@tidings/infra/webhooks/guard';
import { newSecret } from '@tidings/infra/webhooks/signature';
import { webhookById } from '@tidings/projections/webhooks/index';
import type { FastifyInstance } from 'fastify';
import type { Actor } from '../../../http-kit/src/ctx.ts';
import { ApiError, invalid } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import type { Platform } from '../../../platform/src/platform.ts';

const READS = ['webhooks'];

export const registerWebhooks = (app: FastifyInstance, platform: Platform): void => {
  const guard = guardOf(platform.config);

  handle(
    app,
    platform,
    registerWebhook,
    async ({ actor, body: { url, events, secret = newSecret() }, operationId, context, settle }) => {
      assertAdmin(actor);
      const fault = faultOfUrl(url, guard);
      if (fault !== null) throw invalid([{ path: 'url', message: fault }]);
      const webhookId = derivedId<WebhookId>('webhook', operationId);
      const command = { type: 'RegisterWebhook', webhookId, url, events, secret, by: actor.userId } as const;
      const { position } = orReject(await platform.commands.transact(webhook, webhookKey(webhookId), command, context));
      await settle(position, READS);
      const registered = await platform.read.maybeOne(webhookById(platform.liveSchema('webhooks'), webhookId));
      if (registered === null) throw new ApiError('CONTENT_NOT_FOUND', 'The webhook was removed as it was made.');
      return registered;
    },
    { idempotent: true },
  );

  handle(app, platform, removeWebhook, async ({ actor, params: { webhookId }, context, settle }) => {
    assertAdmin(actor);
    const command = { type: 'RemoveWebhook', webhookId, by: actor.userId } as const;
    const { position } = orReject(await platform.commands.transact(webhook, webhookKey(webhookId), command, context));
    await removeDeliveriesTo(platform.pool, webhookId);
    await settle(position, READS);
  });

  // No fact of the log: it changes when we call, not what happened.
  handle(app, platform, retryDelivery, async ({ actor, params: { webhookId, deliveryId } }) => {
    assertAdmin(actor);
    if (!(await retryNow(platform.pool, webhookId, deliveryId))) {
      throw new ApiError('CONTENT_NOT_FOUND', 'This webhook has no such delivery.');
    }
  });
};

const assertAdmin = (actor: Actor): void => {
  if (!may(actor, 'manage-webhooks', { kind: 'domain' }))
    throw new ApiError('INSUFFICIENT_PERMISSIONS', 'Only administrators manage webhooks.');
};
