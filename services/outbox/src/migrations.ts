/** What the outbox remembers of drafts that wait for their time; all of it can be had from the log again. Forward only. */
import { applySteps } from '@tidings/infra/postgres/schema-steps';
import { inTransaction } from '@tidings/infra/projector/session';
import type { Pool } from 'pg';

const steps: readonly string[] = [
  `
  create table outbox.due (
    draft_id uuid primary key,
    shard integer not null,
    submission integer not null,
    send_at timestamptz not null
  );
  create index due_next on outbox.due (shard, send_at);
  `,
];

/** Several processes may run it at once. */
export const migrateOutbox = (pool: Pool): Promise<void> => inTransaction(pool, (client) => applySteps(client, 'outbox', steps));
