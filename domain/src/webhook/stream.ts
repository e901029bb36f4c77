import type { WebhookId } from '@tidings/contracts/ids';

export const category = 'webhook';
export const webhookKey = (webhook: WebhookId): string => webhook;
