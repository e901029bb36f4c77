/** Schema `ops`: what the processes of all nodes say of themselves. Unlogged: it is worth nothing after a crash. */
import type { Pool } from 'pg';

const statements = `
  create schema if not exists ops;
  create unlogged table if not exists ops.heartbeat (
    node text not null,
    process text not null,
    services jsonb not null,
    metrics jsonb not null,
    beaten_at timestamptz not null,
    primary key (node, process)
  ) with (fillfactor = 50);
  alter table ops.heartbeat add column if not exists measured_at timestamptz not null default '-infinity';
`;

/** Idempotent; safe from several processes at once. */
export const migrateOps = async (pool: Pool): Promise<void> => {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query(`select pg_advisory_xact_lock(hashtextextended('tidings:migrate:ops', 0))`);
    await client.query(statements);
    await client.query('commit');
    client.release();
  } catch (error) {
    client.release(true); // the transaction and its lock go with the connection
    throw error;
  }
};
