import type { Webhook } from '@tidings/contracts/http/webhooks';
import type { WebhookRow } from '@tidings/projections/webhooks/index';

/** As it is shown after it was made. */
export const withoutSecret = ({ id, mailboxId, url, events, createdAt, createdBy }: WebhookRow): Webhook => ({
  ...{ id, mailboxId, url, events, createdAt, createdBy },
});
