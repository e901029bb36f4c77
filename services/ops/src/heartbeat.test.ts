import { postgresSignals, type PostgresSignals } from '@tidings/infra/signals/postgres';
import { openPool } from '@tidings/infra/postgres/pools';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { Counter, Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/kit/postgres.ts';
import { memoryPlatform } from '../../http-kit/src/testing/memory-platform.ts';
import type { Platform } from '../../platform/src/platform.ts';
import { readHeartbeats, readMetrics, startHeartbeat } from './heartbeat.ts';
import { migrateOps } from './migrations.ts';

const logger = pino({ level: 'silent' });
let database: TestDatabase;
let pool: Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = openPool({ url: database.url, max: 4, name: 'test', logger });
  await migrateOps(pool);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of open.splice(0).toReversed()) await end();
});

/** A process with signals and metrics of its own, which beats; and a counter among its metrics. */
const startProcess = async (
  name: string,
): Promise<{ readonly platform: Platform; readonly counter: Counter; readonly signals: PostgresSignals }> => {
  const metrics = new Registry();
  const signals = postgresSignals({ url: database.url });
  open.push(() => signals.close());
  const counter = new Counter({ name: 'done_total', help: 'what was done', registers: [metrics] });
  const platform = memoryPlatform({ pool, metrics, signals });
  const { stop } = startHeartbeat(platform, name, []);
  open.push(stop);
  await expect.poll(async () => (await readHeartbeats(platform)).map((one) => one.process)).toContain(name);
  await signals.listening();
  return { platform, counter, signals };
};

const doneIn = async (platform: Platform): Promise<readonly (number | undefined)[]> =>
  (await readMetrics(platform, 'api')).map((page) => page.find(({ name }) => name === 'done_total')?.values[0]?.value);

describe('heartbeat', () => {
  it('tells the metrics of another process as they are when they are asked for', async () => {
    const { platform } = await startProcess('api');
    const { counter } = await startProcess('projector');

    counter.inc(3);
    expect(await doneIn(platform)).toEqual([3]);
    counter.inc();
    expect(await doneIn(platform)).toEqual([4]);
  });

  it('tells of a process that does not answer as it was', async () => {
    const { platform } = await startProcess('api');
    const { counter, signals } = await startProcess('projector');
    counter.inc(3);
    expect(await doneIn(platform)).toEqual([3]);

    await signals.close();
    counter.inc();
    expect(await doneIn(platform)).toEqual([3]);
  });

  it('takes its row away when it stops', async () => {
    const { platform } = await startProcess('api');
    await startProcess('projector');
    await open.pop()?.();

    expect((await readHeartbeats(platform)).map(({ process }) => process)).toEqual(['api']);
  });
});
