/** Brings schema `log` up to date. Safe to run from many processes at once and any number of times. */
import pg from 'pg';
import { migrations } from './schema.ts';

export interface MigrateOptions {
  /** Default 1. May grow later; streams stay in the shard they began in. */
  readonly shards?: number;
  /** Events per partition; default 20 million. */
  readonly partitionSpan?: number;
}

export const PARTITION_SPAN = 20_000_000;

export const migrateEventLog = async (target: string | pg.Pool, options: MigrateOptions = {}): Promise<void> => {
  const { shards = 1, partitionSpan = PARTITION_SPAN } = options;
  const pool = typeof target === 'string' ? new pg.Pool({ connectionString: target, max: 1 }) : target;
  try {
    const client = await pool.connect();
    try {
      await client.query(`select pg_advisory_lock(hashtext('tidings log migrations'))`);
      await step(client);
      await client.query('insert into log.shard_head (shard) select generate_series(0, $1::int - 1) on conflict do nothing', [shards]);
      await client.query('select log.add_partitions((select max(position) from log.shard_head) + $1, $1)', [partitionSpan]);
      await client.query(`select pg_advisory_unlock(hashtext('tidings log migrations'))`);
      client.release();
    } catch (error) {
      client.release(true); // the session's lock goes with it
      throw error;
    }
  } finally {
    if (typeof target === 'string') await pool.end();
  }
};

const step = async (client: pg.PoolClient): Promise<void> => {
  await client.query(`
    create schema if not exists log;
    create table if not exists log.migration (number int primary key, applied_at timestamptz not null default now())`);
  const { rows } = await client.query<{ done: number }>('select coalesce(max(number), 0) done from log.migration');
  const done = rows[0]?.done ?? 0;
  if (done > migrations.length) throw new Error(`the event log's schema is at step ${done}, newer than this version of Tidings`);
  for (const [index, sql] of migrations.entries()) {
    if (index < done) continue;
    await client.query('begin');
    await client.query(sql);
    await client.query('insert into log.migration (number) values ($1)', [index + 1]);
    await client.query('commit');
  }
};
