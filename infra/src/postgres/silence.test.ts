import { once } from 'node:events';
import { pino } from 'pino';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/kit/postgres.ts';
import { strandableWayTo, type StrandableWay } from '../../../tests/kit/strandable.ts';
import { watchPool, watchSilence } from './silence.ts';
import { watchedDriver } from './watched-driver.ts';

const quiet = pino({ level: 'silent' });
const soon = { silentMs: 200, lookMs: 20 };

let database: TestDatabase;
let way: StrandableWay;
beforeEach(async () => {
  database = await createTestDatabase();
  way = await strandableWayTo(database.url);
});
afterEach(async () => {
  await way.close();
  await database.drop();
});

const watchOf = () => watchSilence({ url: way.url, logger: quiet }, soon);

describe('connections of pg', () => {
  let pool: pg.Pool;
  beforeEach(() => {
    pool = new pg.Pool({ connectionString: way.url, max: 4 });
    pool.on('error', () => undefined);
    pool.on('connect', (client) => client.on('error', () => undefined));
    watchPool(pool, watchOf());
  });
  afterEach(() => pool.end());

  it('break when their server is gone without a word, those that rest, too', async () => {
    await Promise.all([1, 2, 3].map(() => pool.query('select pg_sleep(0.05)')));
    expect(pool.totalCount).toBe(3);
    way.strand();
    const broke = once(pool, 'error'); // one that rested
    await expect(pool.query('select 1')).rejects.toThrow('Connection terminated');
    await broke;
    await expect.poll(() => pool.totalCount).toBe(0);
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });

  it('break in the midst of a transaction', async () => {
    const client = await pool.connect();
    await client.query('begin');
    way.strand();
    await expect(client.query('select 1')).rejects.toThrow('Connection terminated');
    client.release(true);
  });

  it('are not taken for the process of another server that has the same number', async () => {
    const { rows } = await pool.query<{ pid: number }>('select pg_backend_pid() as pid');
    const cut = vi.fn<() => void>();
    const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now() - 60_000); // older than any here
    const old = watchOf().add(rows[0]?.pid ?? 0, cut);
    clock.mockRestore();
    old.asked();
    await expect.poll(() => cut.mock.calls.length).toBe(1);
  });

  it('go on however long their statement takes', async () => {
    expect((await pool.query('select 1 as one from pg_sleep(1)')).rows).toEqual([{ one: 1 }]);
  });

  it('wait on for a server that cannot be asked', async () => {
    const elsewhere = await strandableWayTo(database.url);
    const lonely = new pg.Pool({ connectionString: elsewhere.url, max: 1 });
    watchPool(lonely, watchOf());
    await way.close(); // by which it asks
    expect((await lonely.query('select 1 as one from pg_sleep(1)')).rows).toEqual([{ one: 1 }]);
    await lonely.end();
    await elsewhere.close();
  });
});

describe('connections of slonik', () => {
  it('break when their server is gone without a word, and are made anew', async () => {
    const { createPool, sql } = await import('slonik');
    const pool = await createPool(way.url, {
      ...{ maxPoolSize: 2, connectionRetryLimit: 0, queryRetryLimit: 0, gracefulTerminationTimeout: 50 },
      resetConnection: () => Promise.resolve(), // as ours
      driverFactory: watchedDriver(watchOf()),
    });
    pool.on('error', () => undefined);
    const ask = () => pool.oneFirst(sql.unsafe`select 1`);
    expect(await ask()).toBe(1);
    way.strand();
    await expect(ask()).rejects.toThrow(/terminated/i);
    expect(await ask()).toBe(1);
    expect(await pool.oneFirst(sql.unsafe`select 1 from pg_sleep(1)`)).toBe(1);
    await pool.end();
  });
});
