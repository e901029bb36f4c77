/** Webhooks that are told of one mailbox. For its admins: they hear what its members read. */
import { registerMailboxWebhook, removeMailboxWebhook, retryMailboxDelivery } from '@tidings/contracts/http/webhooks';
import type { MailboxId, WebhookId } from '@tidings/contracts/ids';
import { webhook, webhookKey } from '@tidings/domain/webhook/index';
import type { FastifyInstance } from 'fastify';
import type { Actor } from '../../../http-kit/src/ctx.ts';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { endWebhook, makeWebhook, retryOne } from '../webhooks.ts';
import { assertMay } from './access.ts';

export const registerMailboxWebhooks = (app: FastifyInstance, platform: Platform): void => {
  handle(
    app,
    platform,
    registerMailboxWebhook,
    async (ctx) => {
      const { mailboxId } = ctx.params;
      await assertMay(platform, ctx.actor, 'manage-webhooks', mailboxId);
      return makeWebhook(platform, ctx, mailboxId);
    },
    { idempotent: true },
  );

  handle(app, platform, removeMailboxWebhook, async (ctx) => {
    await assertManages(platform, ctx.actor, ctx.params);
    await endWebhook(platform, ctx, ctx.params.webhookId);
  });

  handle(app, platform, retryMailboxDelivery, async ({ actor, params }) => {
    await assertManages(platform, actor, params);
    await retryOne(platform, params.webhookId, params.deliveryId);
  });
};

/** @throws ApiError 403, and 404 also for a webhook of another mailbox */
const assertManages = async (
  platform: Platform,
  actor: Actor,
  { mailboxId, webhookId }: { readonly mailboxId: MailboxId; readonly webhookId: WebhookId },
): Promise<void> => {
  await assertMay(platform, actor, 'manage-webhooks', mailboxId);
  const { state } = await platform.commands.load(webhook, webhookKey(webhookId));
  if (state.kind !== 'registered' || state.mailboxId !== mailboxId)
    throw new ApiError('CONTENT_NOT_FOUND', 'This mailbox has no such webhook.');
};
