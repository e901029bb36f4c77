/** Registering and removing webhooks, and trying a dead letter again. For administrators. */
import { registerWebhook, removeWebhook, retryDelivery } from '@tidings/contracts/http/webhooks';
import { may } from '@tidings/domain/authorization/may';
import type { FastifyInstance } from 'fastify';
import type { Actor } from '../../../http-kit/src/ctx.ts';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { endWebhook, makeWebhook, retryOne } from '../webhooks.ts';

export const registerWebhooks = (app: FastifyInstance, platform: Platform): void => {
  handle(
    app,
    platform,
    registerWebhook,
    async (ctx) => {
      assertAdmin(ctx.actor);
      return makeWebhook(platform, ctx, null);
    },
    { idempotent: true },
  );

  handle(app, platform, removeWebhook, async (ctx) => {
    assertAdmin(ctx.actor);
    await endWebhook(platform, ctx, ctx.params.webhookId);
  });

  handle(app, platform, retryDelivery, async ({ actor, params: { webhookId, deliveryId } }) => {
    assertAdmin(actor);
    await retryOne(platform, webhookId, deliveryId);
  });
};

const assertAdmin = (actor: Actor): void => {
  if (!may(actor, 'manage-webhooks', { kind: 'domain' }))
    throw new ApiError('INSUFFICIENT_PERMISSIONS', 'Only administrators manage webhooks.');
};
