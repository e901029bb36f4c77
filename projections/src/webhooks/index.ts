/** The webhooks there are, with what is needed to call them. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { WebhookEvent, WebhookRegistered } from '@tidings/contracts/events/webhook';
import type { WebhookId } from '@tidings/contracts/ids';
import type { Projection } from '@tidings/contracts/projection';
import { isShredded } from '@tidings/contracts/sealed';

export * from './queries.ts';

const tables = (schema: string): string => `
  create table ${schema}.webhook (
    webhook_id uuid primary key,
    mailbox_id uuid,
    url text not null,
    events text[] not null,
    secret text not null,
    created_by uuid not null,
    created_at timestamptz not null
  );`;

export const webhooks: Projection = {
  name: 'webhooks',
  version: 2,
  handles: ['WebhookRegistered', 'WebhookRemoved'],
  tables,
  apply: async (page, tx) => {
    /** By the last event of each; an id is never used again. */
    const last = new Map<WebhookId, Recorded<WebhookEvent>>();
    for (const event of page.filter(isWebhookEvent)) last.set(event.data.webhookId, event);
    const kept = [...last.values()].filter(isCallable);
    const gone = [...last.values()].filter((event) => !isCallable(event));
    if (gone.length > 0) {
      await tx.query(`delete from ${tx.schema}.webhook where webhook_id = any($1::uuid[])`, [gone.map(({ data }) => data.webhookId)]);
    }
    if (kept.length > 0) {
      await tx.query(
        `insert into ${tx.schema}.webhook (webhook_id, mailbox_id, url, events, secret, created_by, created_at)
         select id, mailbox_id, url, array(select jsonb_array_elements_text(events)), secret, by, at
         from unnest($1::uuid[], $2::text[], $3::jsonb[], $4::text[], $5::uuid[], $6::timestamptz[], $7::uuid[]) as w (id, url, events, secret, by, at, mailbox_id)
         on conflict (webhook_id) do nothing`,
        [
          kept.map(({ data }) => data.webhookId),
          kept.map(({ data }) => data.url),
          kept.map(({ data }) => JSON.stringify(data.events)),
          kept.map(({ data }) => data.secret),
          kept.map(({ data }) => data.by),
          kept.map(({ recordedAt }) => recordedAt),
          kept.map(({ data }) => data.mailboxId ?? null),
        ],
      );
    }
  },
};

const isWebhookEvent = (event: Recorded): event is Recorded<WebhookEvent> => webhooks.handles.includes(event.type);

/** One whose secret was erased can sign nothing any more. */
const isCallable = (event: Recorded<WebhookEvent>): event is Recorded<WebhookRegistered> =>
  event.type === 'WebhookRegistered' && !isShredded(event.data.secret);
