import type { Signals } from '@tidings/contracts/ports/signals';
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/kit/postgres.ts';
import { strandableWayTo } from '../../../tests/kit/strandable.ts';
import { openPool } from '../postgres/pools.ts';
import { inProcessSignals } from './in-process.ts';
import { postgresSignals } from './postgres.ts';

const heard = (signals: Signals): string[] => {
  const payloads: string[] = [];
  signals.subscribe('log', (payload) => payloads.push(payload));
  return payloads;
};

describe('signals in one process', () => {
  it('reach the subscribers of their topic until they leave', () => {
    const signals = inProcessSignals();
    const [first, second] = [heard(signals), heard(signals)];
    const leave = signals.subscribe('feed', () => first.push('never'));
    leave();
    signals.publish('log', 'a b');
    signals.publish('feed', 'c');
    expect([first, second]).toEqual([['a b'], ['a b']]);
  });

  it('go on when a listener throws', () => {
    const signals = inProcessSignals();
    signals.subscribe('log', () => {
      throw new Error('bad listener');
    });
    const payloads = heard(signals);
    signals.publish('log', 'x');
    expect(payloads).toEqual(['x']);
  });
});

describe('signals by Postgres', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());
  const open = async () => {
    const signals = postgresSignals({ url: database.url });
    await signals.listening();
    return signals;
  };

  it('reach other processes, and one’s own at once and only once', async () => {
    const [here, there] = [await open(), await open()];
    const [own, other] = [heard(here), heard(there)];
    await Promise.all([here.listening(), there.listening()]);
    here.publish('log', '0:17 with spaces');
    expect(own).toEqual(['0:17 with spaces']);
    await expect.poll(() => other).toEqual(['0:17 with spaces']);
    there.publish('log', 'back');
    await expect.poll(() => own).toEqual(['0:17 with spaces', 'back']);
    await Promise.all([here.close(), there.close()]);
  });

  it('merge what is the same and keep what differs', async () => {
    const [here, there] = [await open(), await open()];
    const other = heard(there);
    await there.listening();
    for (let n = 0; n < 300; n += 1) here.publish('log', `${n % 3}`);
    here.publish('log', 'last');
    await expect.poll(() => other.at(-1)).toBe('last');
    expect(other.length).toBeLessThan(20);
    expect(new Set(other)).toEqual(new Set(['0', '1', '2', 'last']));
    await Promise.all([here.close(), there.close()]);
  });

  it('come back by themselves when connections are cut', async () => {
    const [here, there] = [await open(), await open()];
    const other = heard(there);
    await there.listening();
    here.publish('log', 'before');
    await expect.poll(() => other).toContain('before');
    const admin = new pg.Client({ connectionString: database.url });
    await admin.connect();
    await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'tidings signals%'`);
    await admin.end();
    let n = 0;
    await expect
      .poll(
        () => {
          n += 1;
          here.publish('log', `after ${n}`);
          return other.some((payload) => payload.startsWith('after'));
        },
        { timeout: 5000 },
      )
      .toBe(true);
    await Promise.all([here.close(), there.close()]);
  });

  it('do not say later what was said while Postgres was away, which may have lost what it was about', async () => {
    const [here, there] = [await open(), await open()];
    const other = heard(there);
    await there.listening();
    here.publish('log', 'before');
    await expect.poll(() => other).toEqual(['before']);
    const own = new URL(database.url);
    const name = own.pathname.slice(1);
    own.pathname = '/postgres';
    const admin = new pg.Client({ connectionString: own.href });
    await admin.connect();
    const senders = `from pg_stat_activity where application_name = 'tidings signals notify' and datname = '${name}'`;
    await admin.query(`alter database "${name}" with allow_connections false`);
    await admin.query(`select pg_terminate_backend(pid, 5000) ${senders}`);
    here.publish('log', 'meanwhile');
    await admin.query(`alter database "${name}" with allow_connections true`);
    let n = 0;
    const isHeardAgain = (): boolean => {
      n += 1;
      here.publish('log', `after ${n}`);
      return other.length > 1;
    };
    await expect.poll(isHeardAgain, { timeout: 5000 }).toBe(true);
    expect(other).not.toContain('meanwhile');
    await admin.end();
    await Promise.all([here.close(), there.close()]);
  });

  it('are heard again when Postgres was replaced without a word, as soon as anybody in the process has waited for it in vain', async () => {
    const way = await strandableWayTo(database.url);
    const here = await open();
    const there = postgresSignals({ url: way.url });
    const other = heard(there);
    await there.listening();
    const pool = openPool({ url: way.url, name: 'signals-test', max: 1, logger: pino({ level: 'silent' }) });
    await pool.query('select 1');
    way.strand();
    await expect(pool.query('select 1')).rejects.toThrow('Connection terminated');
    let n = 0;
    const isHeard = (): boolean => {
      n += 1;
      here.publish('log', `after ${n}`);
      return other.length > 0;
    };
    await expect.poll(isHeard).toBe(true);
    await Promise.all([here.close(), there.close(), pool.end()]);
    await way.close();
  });

  it('refuse what is too long, and close although Postgres was never there', async () => {
    const signals = postgresSignals({ url: 'postgresql://nobody@127.0.0.1:1/none' });
    expect(() => signals.publish('log', 'x'.repeat(4001))).toThrow(RangeError);
    signals.publish('log', 'x');
    await signals.close();
  });
});
