/**
 * Where the notifier begins: at the head of the log as the version that brought it was installed. Nobody is pushed what happened before, and
 * after that no start, crash or change of node ever skips anything.
 */
import type { Pool } from 'pg';
import { applySteps } from '@tidings/infra/postgres/schema-steps';
import { inTransaction } from '@tidings/infra/projector/session';

const steps: readonly string[] = [
  `
  insert into projection.checkpoint (name, shard, position, lease_token)
  select 'notifier', shard, lpad(position::text, 16, '0'), 0 from log.shard_head
  on conflict do nothing;
  `,
];

/** After `migrateEventLog` and `migrateProjector`. Several processes may run it at once. */
export const migrateNotifier = (pool: Pool): Promise<void> => inTransaction(pool, (client) => applySteps(client, 'notifier', steps));
