/** A schema of ours as numbered steps that only go forward. A released step is never edited: add the next one. */
import type { ClientBase } from 'pg';

/**
 * Applies the steps that `schema` has not seen, inside the caller's transaction: all or none. Several processes may do so at once; the
 * others wait and find nothing left to do.
 * @throws when the schema was brought further by a newer version
 */
export const applySteps = async (client: ClientBase, schema: string, steps: readonly string[]): Promise<void> => {
  await client.query(`select pg_advisory_xact_lock(hashtextextended('tidings:migrate:${schema}', 0))`);
  await client.query(`create schema if not exists ${schema}`);
  await client.query(`create table if not exists ${schema}.migration (step integer primary key, applied_at timestamptz not null)`);
  const { rows } = await client.query<{ done: number }>(`select count(*)::integer as done from ${schema}.migration`);
  const done = rows[0]?.done ?? 0;
  if (done > steps.length) throw new Error(`schema ${schema} is at step ${done}, newer than this version of Tidings`);
  for (const [at, sql] of steps.entries()) {
    if (at < done) continue;
    await client.query(sql);
    await client.query(`insert into ${schema}.migration values ($1, clock_timestamp())`, [at + 1]);
  }
};
