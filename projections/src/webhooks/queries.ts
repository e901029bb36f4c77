/** What readers ask about webhooks; there are few. */
import { UserId, WebhookId } from '@tidings/contracts/ids';
import { rows } from '@tidings/contracts/sql-rows';
import { Timestamp } from '@tidings/contracts/time';
import * as t from 'io-ts';
import { sql } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';

const WebhookRow = t.readonly(
  t.type({ id: WebhookId, url: t.string, events: t.readonlyArray(t.string), secret: t.string, createdBy: UserId, createdAt: Timestamp }),
);
export type WebhookRow = t.TypeOf<typeof WebhookRow>;

const columns = sql.fragment`webhook_id as id, url, events, secret, created_by as "createdBy", created_at as "createdAt"`;

/** Oldest first. */
export const allWebhooks = (schema: string) =>
  sql.type(rows(WebhookRow))`select ${columns} from ${tableIn(schema, 'webhook')} order by created_at, webhook_id`;

export const webhookById = (schema: string, id: WebhookId) =>
  sql.type(rows(WebhookRow))`select ${columns} from ${tableIn(schema, 'webhook')} where webhook_id = ${id}`;
