/** Runs one projection on a real Postgres without the runtime: given events, what do its queries and tables say? */
import type { Recorded, TidingsEvent } from '@tidings/contracts/events/index';
import { derivedId, type EventId, type StreamId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import type { Projection, ProjectionTx } from '@tidings/contracts/projection';
import { timestamp } from '@tidings/contracts/time';
import { openPool, openReadPool } from '@tidings/infra/postgres/pools';
import { pino } from 'pino';
import type { Pool } from 'pg';
import type { DatabasePool } from 'slonik';
import { createTestDatabase } from './postgres.ts';

const START_OF_TIME = Date.UTC(2026, 0, 1);

/** Events as the log would give them: dense positions from 1, one second apart unless `everyMs` says otherwise. */
export const recorded = (events: readonly TidingsEvent[], everyMs = 1000): readonly Recorded[] =>
  events.map((event, index) => ({
    ...event,
    shard: 0,
    position: String(index + 1).padStart(16, '0') as Position,
    stream: 'test-stream' as StreamId,
    revision: index,
    id: derivedId<EventId>('test-event', index),
    meta: {},
    recordedAt: timestamp(START_OF_TIME + (index + 1) * everyMs),
  }));

export interface RunningProjection {
  /** A schema with this projection's tables and indexes and nothing in them. */
  readonly fresh: (projection: Projection) => Promise<Instance>;
  readonly read: DatabasePool;
  /** For a look at the rows themselves. */
  readonly pool: Pool;
  readonly close: () => Promise<void>;
}

export interface Instance {
  /** Quoted, as `LiveSchema` gives it. */
  readonly schema: string;
  /** Applies the events it handles in pages of `pageSize`, each in a transaction. */
  readonly apply: (events: readonly Recorded[], pageSize?: number) => Promise<void>;
  /** Every row of every table as text, sorted: equal for equal content. */
  readonly dump: () => Promise<readonly string[]>;
}

export const openProjectionBench = async (): Promise<RunningProjection> => {
  const database = await createTestDatabase();
  const common = { url: database.url, max: 2, logger: pino({ level: 'silent' }) };
  const pool = openPool({ ...common, name: 'test-projection' });
  const read = await openReadPool({ ...common, name: 'test-projection-read' });
  let generation = 0;

  const fresh = async (projection: Projection): Promise<Instance> => {
    generation += 1;
    const schema = `"${projection.name}_${generation}"`;
    await pool.query(`create schema ${schema}; ${projection.tables(schema)} ${projection.indexes?.(schema) ?? ''}`);

    const apply = async (events: readonly Recorded[], pageSize = 500): Promise<void> => {
      const handled = events.filter((event) => projection.handles.includes(event.type));
      const client = await pool.connect();
      const tx: ProjectionTx = {
        schema,
        query: async <Row extends object>(text: string, values?: readonly unknown[]) =>
          (await client.query<Row>(text, values === undefined ? [] : [...values])).rows,
      };
      try {
        for (let from = 0; from < handled.length; from += pageSize) {
          await client.query('begin');
          await projection.apply(handled.slice(from, from + pageSize), tx);
          await client.query('commit');
        }
      } finally {
        client.release();
      }
    };

    const dump = async (): Promise<readonly string[]> => {
      const tables = await pool.query<{ name: string }>(
        `select quote_ident(table_name) as name from information_schema.tables where quote_ident(table_schema) = $1 or table_schema = $2 order by 1`,
        [schema, schema.slice(1, -1)],
      );
      const lines = await Promise.all(
        tables.rows.map(async ({ name }) => {
          const content = await pool.query<{ line: string }>(`select x::text as line from ${schema}.${name} x order by 1`);
          return content.rows.map(({ line }) => `${name} ${line}`);
        }),
      );
      return lines.flat();
    };
    return { schema, apply, dump };
  };

  return {
    fresh,
    read,
    pool,
    close: async () => {
      await read.end();
      await pool.end();
      await database.drop();
    },
  };
};
