/** What readers ask about webhooks; there are few. */
import { nullable } from '@tidings/contracts/codec';
import { MailboxId, UserId, WebhookId } from '@tidings/contracts/ids';
import { rows } from '@tidings/contracts/sql-rows';
import { Timestamp } from '@tidings/contracts/time';
import * as t from 'io-ts';
import { sql } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';

const WebhookRow = t.readonly(
  t.type({
    ...{ id: WebhookId, url: t.string, events: t.readonlyArray(t.string), secret: t.string, createdBy: UserId, createdAt: Timestamp },
    /** Null for one that is told of everything. */
    mailboxId: nullable(MailboxId),
  }),
);
export type WebhookRow = t.TypeOf<typeof WebhookRow>;

const columns = sql.fragment`webhook_id as id, mailbox_id as "mailboxId", url, events, secret, created_by as "createdBy", created_at as "createdAt"`;

/** Oldest first. */
export const allWebhooks = (schema: string) =>
  sql.type(rows(WebhookRow))`select ${columns} from ${tableIn(schema, 'webhook')} order by created_at, webhook_id`;

export const webhookById = (schema: string, id: WebhookId) =>
  sql.type(rows(WebhookRow))`select ${columns} from ${tableIn(schema, 'webhook')} where webhook_id = ${id}`;

/** Oldest first. */
export const webhooksOf = (schema: string, mailboxId: MailboxId) =>
  sql.type(rows(WebhookRow))`
    select ${columns} from ${tableIn(schema, 'webhook')} where mailbox_id = ${mailboxId} order by created_at, webhook_id`;
