import { eventOf } from '@tidings/contracts/events/definition';
import { WebhookRegistered, WebhookRemoved } from '@tidings/contracts/events/webhook';

export type { WebhookEvent } from '@tidings/contracts/events/webhook';
export const webhookRegistered = eventOf(WebhookRegistered);
export const webhookRemoved = eventOf(WebhookRemoved);
