import { rows } from '@tidings/contracts/sql-rows';
import { Timestamp } from '@tidings/contracts/time';
import * as t from 'io-ts';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { type DatabasePool, sql } from 'slonik';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/kit/postgres.ts';
import { openPool, openReadPool } from './pools.ts';

const Row = t.type({ n: t.number, at: Timestamp, body: t.type({ text: t.string }), many: t.array(t.number) });
const select = `select 42::bigint as n, '2026-01-02T03:04:05.678Z'::timestamptz as at, '{"text":"hi"}'::jsonb as body, '{1,2}'::bigint[] as many`;
const expected = { n: 42, at: '2026-01-02T03:04:05.678Z', body: { text: 'hi' } };

let database: TestDatabase;
let read: DatabasePool;
let pool: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  const common = { url: database.url, max: 2, logger: pino({ level: 'silent' }) };
  read = await openReadPool({ ...common, name: 'test-read' });
  pool = openPool({ ...common, name: 'test' });
});
afterAll(async () => {
  await read.end();
  await pool.end();
  await database.drop();
});

/** Ends all connections of these pools, as a restart of the server would. */
const cutOff = async (...names: readonly string[]): Promise<void> => {
  const killer = openPool({ url: database.url, name: 'killer', max: 1, logger: pino({ level: 'silent' }) });
  await killer.query('select pg_terminate_backend(pid) from pg_stat_activity where application_name = any($1)', [names]);
  await killer.end();
};

describe('the pools', () => {
  it('give typed rows through slonik', async () => {
    const query = sql.type(rows(Row))`select 42::bigint as n, '2026-01-02T03:04:05.678Z'::timestamptz as at,
      '{"text":"hi"}'::jsonb as body, '{1,2}'::bigint[] as many`;
    const row = await read.one(query);
    expect(row).toEqual({ ...expected, many: [1, 2] });
  });

  it('plan a prepared statement once where they are told so, and leave that to Postgres else', async () => {
    const often = await openReadPool({ url: database.url, max: 1, name: 'test-often', logger: pino({ level: 'silent' }), onePlan: true });
    const mode = sql.type(rows(t.type({ mode: t.string })))`
      select current_setting('plan_cache_mode') || ', seqscan ' || current_setting('enable_seqscan') as mode`;
    expect(await often.one(mode)).toEqual({ mode: 'force_generic_plan, seqscan off' });
    await often.end();
    expect(await read.one(mode)).toEqual({ mode: 'auto, seqscan on' });
  });

  it('give the same column types through pg', async () => {
    const { rows: found } = await pool.query<object>(select);
    expect(found[0]).toEqual({ ...expected, many: [1, 2] });
  });

  it('name the column that does not fit, not its value', async () => {
    const wrong = read.one(sql.type(rows(t.type({ n: t.string })))`select 4711 as n`);
    await expect(wrong).rejects.toThrow('n: must be string');
    await expect(wrong).rejects.not.toHaveProperty('row');
  });

  it('work again after their connections were cut', async () => {
    await read.one(sql.type(rows(t.type({ one: t.number })))`select 1 as one`);
    await cutOff('test-read', 'test');
    await vi.waitFor(async () => {
      expect(await read.one(sql.type(rows(t.type({ one: t.number })))`select 1 as one`)).toEqual({ one: 1 });
      expect((await pool.query<object>('select 1 as one')).rows).toEqual([{ one: 1 }]);
    });
  });

  it('tell who holds a connection that it broke, by the next query and not by ending the process', async () => {
    const held = await pool.connect();
    const gone = new Promise<void>((resolve) => held.once('end', resolve)); // `once` of node:events would listen for the error as well
    await cutOff('test');
    await gone;
    await expect(held.query('select 1')).rejects.toThrow('not queryable');
    held.release();
    expect((await pool.query<object>('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });
});
