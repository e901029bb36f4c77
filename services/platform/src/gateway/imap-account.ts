/** The IMAP account that the gateway fetches from: how it is called in tables, and how a fetch is asked for. */
import { timestamp, type Timestamp } from '@tidings/contracts/time';
import { applySteps } from '@tidings/infra/postgres/schema-steps';
import { inTransaction } from '@tidings/infra/projector/session';
import type { Pool } from 'pg';
import type { Platform } from '../platform.ts';

/** Said on the topic `gateway`: may be lost, and then the next look comes by itself. */
export const SYNC_REQUESTED = 'sync';

type Imap = NonNullable<Platform['config']['gateway']['imap']>;

export const accountOf = ({ user, host, port }: Imap): string => `${user}@${host}:${port}`;

const steps: readonly string[] = [
  'create table gateway.imap_account (account text primary key, uid_validity text, uid bigint not null, synced_at timestamptz not null);',
];

/** Several processes may run it at once. */
export const migrateGateway = (pool: Pool): Promise<void> => inTransaction(pool, (client) => applySteps(client, 'gateway', steps));

/** When it was last fetched from; null when never. */
export const lastFetch = async (pool: Pool, imap: Imap): Promise<Timestamp | null> => {
  const { rows } = await pool.query<{ at: number }>(
    'select floor(extract(epoch from synced_at) * 1000)::float8 as at from gateway.imap_account where account = $1',
    [accountOf(imap)],
  );
  const [row] = rows;
  return row === undefined ? null : timestamp(row.at);
};
