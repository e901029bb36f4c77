/** Is a rebuilt instance as good as the live one? Counts and order-independent checksums of whole tables. */
import { escapeIdentifier, type Pool, type PoolClient } from 'pg';
import type { Position } from '@tidings/contracts/ports/event-log';
import { schemaOf, type Instance } from './registry.ts';

export interface TableSum {
  readonly table: string;
  readonly rows: string;
  /** Sum of a 64-bit hash of each row; rows in any order give the same. */
  readonly sum: string;
}

export interface Verification {
  /** `equal`/`different`: every table compared at one position. `plausible`/`empty`: another version, or nothing to compare with. */
  readonly outcome: 'equal' | 'different' | 'plausible' | 'empty';
  readonly note: string;
  readonly built: readonly TableSum[];
  readonly live: readonly TableSum[];
}

/** Sums of every table of a schema as the session sees it. */
export const tableSums = async (db: Pool | PoolClient, instance: Pick<Instance, 'schemaName'>): Promise<readonly TableSum[]> => {
  const tables = await db.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relkind in ('r', 'p') and not c.relispartition order by 1`,
    [instance.schemaName],
  );
  const sums: TableSum[] = [];
  for (const { name } of tables.rows) {
    const sum = await db.query<{ rows: string; sum: string }>(
      `select count(*)::text as rows, coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text as sum
       from ${schemaOf(instance)}.${escapeIdentifier(name)} t`,
    );
    sums.push({ table: name, rows: sum.rows[0]?.rows ?? '0', sum: sum.rows[0]?.sum ?? '0' });
  }
  return sums;
};

/** Two instances of the same version at the same position must agree on every row. */
export const compareEqual = (built: readonly TableSum[], live: readonly TableSum[]): Verification => {
  const differing = [...new Set([...built, ...live].map((sum) => sum.table))].filter((table) => {
    const [a, b] = [built, live].map((sums) => sums.find((sum) => sum.table === table));
    return a === undefined || b === undefined || a.rows !== b.rows || a.sum !== b.sum;
  });
  const rowsOf = (sums: readonly TableSum[], table: string): string => sums.find((sum) => sum.table === table)?.rows ?? 'no';
  return differing.length === 0
    ? { outcome: 'equal', note: `${built.length} tables are equal row by row`, built, live }
    : {
        outcome: 'different',
        note: `differs in ${differing.map((table) => `${table} (${rowsOf(built, table)} rows built, ${rowsOf(live, table)} live)`).join(', ')}`,
        built,
        live,
      };
};

/** Where equality cannot be asked for, a rebuilt instance must at least not be empty when the live one is not. */
export const comparePlausible = (built: readonly TableSum[], live: readonly TableSum[], why: string): Verification => {
  const total = (sums: readonly TableSum[]): bigint => sums.reduce((all, sum) => all + BigInt(sum.rows), 0n);
  const empty = total(built) === 0n && total(live) > 0n;
  return {
    outcome: empty ? 'empty' : 'plausible',
    note: empty ? `it is empty and the live one is not (${why})` : `not compared: ${why}`,
    built,
    live,
  };
};

/** Checkpoints of an instance by shard, as the session sees them. */
export const positionsOf = async (
  db: Pool | PoolClient,
  instance: Pick<Instance, 'schemaName'>,
): Promise<ReadonlyMap<number, Position>> => {
  const found = await db.query<{ shard: number; position: Position }>('select shard, position from projection.checkpoint where name = $1', [
    instance.schemaName,
  ]);
  return new Map(found.rows.map((row) => [row.shard, row.position]));
};
