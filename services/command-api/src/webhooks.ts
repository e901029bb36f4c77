/** What registering and removing a webhook takes, whether it is told of everything or of one mailbox. Who may, each route says. */
import { derivedId, type EventId, type MailboxId, type WebhookId } from '@tidings/contracts/ids';
import { webhook, webhookKey } from '@tidings/domain/webhook/index';
import { removeDeliveriesTo, retryNow } from '@tidings/infra/webhooks/deliveries';
import { faultOfUrl, guardOf } from '@tidings/infra/webhooks/guard';
import { newSecret } from '@tidings/infra/webhooks/signature';
import { webhookById, type WebhookRow } from '@tidings/projections/webhooks/index';
import type { Ctx } from '../../http-kit/src/ctx.ts';
import { ApiError, invalid } from '../../http-kit/src/errors.ts';
import { orReject } from '../../http-kit/src/rejections.ts';
import type { Platform } from '../../platform/src/platform.ts';

const READS = ['webhooks'];

interface Registration {
  readonly url: string;
  readonly events: readonly string[];
  readonly secret?: string;
}

/** @throws ApiError 400 for an address that must not be called */
export const makeWebhook = async (
  platform: Platform,
  {
    actor,
    body,
    operationId,
    context,
    settle,
  }: Pick<Ctx<unknown, unknown, Registration>, 'actor' | 'body' | 'operationId' | 'context' | 'settle'>,
  mailboxId: MailboxId | null,
): Promise<WebhookRow> => {
  const { url, events, secret = newSecret() } = body;
  const fault = faultOfUrl(url, guardOf(platform.config));
  if (fault !== null) throw invalid([{ path: 'url', message: fault }]);
  const webhookId = derivedId<WebhookId>('webhook', operationId);
  const command = { type: 'RegisterWebhook', webhookId, mailboxId, url, events, secret, by: actor.userId } as const;
  const { position } = orReject(await platform.commands.transact(webhook, webhookKey(webhookId), command, context));
  await settle(position, READS);
  const registered = await platform.read.maybeOne(webhookById(platform.liveSchema('webhooks'), webhookId));
  if (registered === null) throw new ApiError('CONTENT_NOT_FOUND', 'The webhook was removed as it was made.');
  return registered;
};

export const endWebhook = async (
  platform: Platform,
  { actor, context, settle }: Pick<Ctx, 'actor' | 'context' | 'settle'>,
  webhookId: WebhookId,
): Promise<void> => {
  const command = { type: 'RemoveWebhook', webhookId, by: actor.userId } as const;
  const { position } = orReject(await platform.commands.transact(webhook, webhookKey(webhookId), command, context));
  await removeDeliveriesTo(platform.pool, webhookId);
  await settle(position, READS);
};

/** No fact of the log: it changes when we call, not what happened. @throws ApiError 404 */
export const retryOne = async ({ pool }: Platform, webhookId: WebhookId, deliveryId: EventId): Promise<void> => {
  if (!(await retryNow(pool, webhookId, deliveryId))) throw new ApiError('CONTENT_NOT_FOUND', 'This webhook has no such delivery.');
};
