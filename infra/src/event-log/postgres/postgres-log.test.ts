import { derivedId, type EventId, type StreamId } from '@tidings/contracts/ids';
import { LogUnavailable, START, type LoggedEvent, type LogPage } from '@tidings/contracts/ports/event-log';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../tests/kit/postgres.ts';
import { inProcessSignals } from '../../signals/in-process.ts';
import { eventLogContract, someEvents } from '../contract.ts';
import { migrateEventLog } from './migrate.ts';
import { openPostgresLog, type PostgresLog, type PostgresLogOptions } from './postgres-log.ts';
import { LogGapError } from './reader.ts';

const stream = (name: string): StreamId => `test-${name}` as StreamId;

eventLogContract('postgres', async ({ queueLimit, shards }) => {
  const database = await createTestDatabase();
  await migrateEventLog(database.url, { ...(shards !== undefined && { shards }) });
  // How long an append may take is no part of the contract; on a starved machine 5 s is short for hundreds at once.
  const log = await openPostgresLog({ url: database.url, deadlineMs: 30_000, ...(queueLimit !== undefined && { queueLimit }) });
  return {
    log,
    close: async () => {
      await log.close();
      await database.drop();
    },
  };
});

describe('the log in Postgres', () => {
  let database: TestDatabase;
  let admin: pg.Client;
  const opened: PostgresLog[] = [];
  const open = async (options: Partial<PostgresLogOptions> = {}): Promise<PostgresLog> => {
    const log = await openPostgresLog({ url: database.url, ...options });
    opened.push(log);
    return log;
  };
  const positions = (events: readonly LoggedEvent[]): number[] => events.map(({ position }) => Number(position));
  const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

  beforeEach(async () => {
    database = await createTestDatabase();
    await migrateEventLog(database.url, { partitionSpan: 100 });
    admin = new pg.Client({ connectionString: database.url });
    await admin.connect();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((log) => log.close()));
    await admin.end();
    await database.drop();
  });

  it('migrates again and from many processes at once without harm', async () => {
    await Promise.all(Array.from({ length: 4 }, () => migrateEventLog(database.url, { shards: 2, partitionSpan: 100 })));
    const { rows } = await admin.query('select number from log.migration order by number');
    expect(rows[0]).toEqual({ number: 1 });
    expect((await open()).shards).toEqual([0, 1]);
  });

  it('tells how far it has grown by others, and of what types; of its own it is told by its appends', async () => {
    const signals = inProcessSignals();
    const [here, elsewhere] = [await open({ signals }), await open({ signals })];
    const heard: (readonly [shard: number, position: string, types: readonly string[] | undefined])[] = [];
    const end = here.onGrown?.((...hint) => heard.push([hint[0], hint[1], hint[2]]));
    const [first] = someEvents(1);
    await here.append(stream('a'), 'none', someEvents(1));
    const grown = await elsewhere.append(stream('b'), 'none', someEvents(2));
    if (grown.type !== 'appended') throw new Error(grown.type);
    expect(heard).toEqual([[0, grown.position, [first?.type]]]);
    end?.();
    await elsewhere.append(stream('c'), 'none', someEvents(1));
    expect(heard).toHaveLength(1);
  });

  const appendersAtRest = async (): Promise<number> => {
    const { rows } = await admin.query<{ count: string }>(
      `select count(*) from pg_stat_activity where datname = current_database() and application_name = 'tidings log append' and state = 'idle'`,
    );
    return Number(rows[0]?.count);
  };
  it('takes what is patient along with what is not, and lets it go by itself where nothing comes', async () => {
    const log = await open({ patienceMs: 60_000 });
    await vi.waitFor(async () => expect(await appendersAtRest()).toBe(2));
    for (let n = 0; n < 5; n += 1) await log.append(stream(`s${n}`), 'none', someEvents(1)); // both are known to be there, with nothing to do
    const { batches } = log.stats()[0] ?? { batches: 0 };
    const patient = log.append(stream('a'), 'none', someEvents(1), { patient: true });
    await delay(5); // an impatient one would be on its way by now
    await Promise.all([patient, log.append(stream('b'), 'none', someEvents(1))]);
    expect(log.stats()).toMatchObject([{ batches: batches + 1 }]);
    const alone = await (await open()).append(stream('a'), { revision: 0 }, someEvents(1), { patient: true });
    expect(alone).toMatchObject({ type: 'appended', revision: 1 });
  });

  it('refuses every change to what is written', async () => {
    const log = await open();
    await log.append(stream('a'), 'none', someEvents(2));
    const { rows } = await admin.query<{ name: string }>('select name from log.partition order by lower limit 1');
    for (const table of ['log.event', `log.${rows[0]?.name}`]) {
      for (const statement of [`update ${table} set type = 'Other'`, `delete from ${table}`, `truncate ${table}`]) {
        await expect(admin.query(statement)).rejects.toThrow('only grows');
      }
    }
    expect(await log.readStream(stream('a'), 0, 10)).toHaveLength(2);
  });

  it('makes partitions ahead of the log and reads across them', async () => {
    const log = await open({ partitionSpan: 100 });
    for (let n = 0; n < 12; n += 1) await log.append(stream(`s${n % 5}`), 'any', someEvents(75));
    expect(positions((await log.readAll(0, START, 5000)).events)).toEqual(upTo(900));
    const revisions = (await log.readStream(stream('s1'), 10, 500)).map(({ revision }) => revision);
    expect(revisions).toEqual(Array.from({ length: 215 }, (_, index) => index + 10));
    const { rows } = await admin.query<{ upper: string }>('select max(upper) upper from log.partition');
    expect(Number(rows[0]?.upper)).toBeGreaterThanOrEqual(900);
  });

  it('recognises a retry whose events lie in an older partition', async () => {
    const log = await open({ partitionSpan: 100 });
    const events = someEvents(60);
    const first = await log.append(stream('a'), 'none', events);
    for (let n = 0; n < 4; n += 1) await log.append(stream('b'), 'any', someEvents(75));
    await log.append(stream('a'), 'any', someEvents(60));
    expect(await log.append(stream('a'), 'none', events)).toEqual({ ...first, type: 'duplicate' });
  });

  it('stays dense and exact while its connections are cut', async () => {
    const [one, two] = [await open({ deadlineMs: 30_000 }), await open({ deadlineMs: 30_000 })];
    let cutting = true;
    const cuts = (async () => {
      while (cutting) {
        await admin.query(
          `select pg_sleep(0.04), pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and application_name like 'tidings log%' and random() < 0.3`,
        );
      }
    })();
    const stop = new AbortController();
    const tailed = (async () => {
      const seen: LoggedEvent[] = [];
      for await (const page of one.tail(0, START, { limit: 100, signal: stop.signal })) {
        seen.push(...page.events);
        if (seen.length >= 2000) stop.abort();
      }
      return seen;
    })();
    const results = await Promise.all(
      Array.from({ length: 2000 }, (_, n) => (n % 2 === 0 ? one : two).append(stream(`s${n}`), 'none', someEvents(1))),
    ).finally(() => {
      cutting = false;
    });
    await cuts;
    for (const { type } of results) expect(['appended', 'duplicate']).toContain(type);
    const seen = await tailed;
    expect(positions(seen)).toEqual(upTo(2000));
    expect(new Set(seen.map((event) => event.stream)).size).toBe(2000);
  });

  it('says what it knows of an append that found no Postgres', async () => {
    const log = await open({ deadlineMs: 300 });
    await log.append(stream('a'), 'none', someEvents(1));
    const name = new URL(database.url).pathname.slice(1);
    const elsewhere = new pg.Client({ connectionString: database.url.replace(`/${name}`, '/postgres') });
    await elsewhere.connect();
    await elsewhere.query(`alter database ${name} allow_connections false`);
    await elsewhere.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and application_name like 'tidings log%'`,
      [name],
    );
    const outcomes = await Promise.allSettled([
      log.append(stream('b'), 'none', someEvents(1)),
      log.append(stream('c'), 'any', someEvents(1)),
    ]);
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(LogUnavailable) });
    }
    await expect(log.readAll(0, START, 1)).rejects.toThrow(LogUnavailable);
    await elsewhere.query(`alter database ${name} allow_connections true`);
    await elsewhere.end();
    const again = (): Promise<unknown> => log.append(stream('d'), 'none', someEvents(1)).catch(() => null);
    await expect.poll(again, { timeout: 5000 }).toMatchObject({ type: 'appended' });
  });

  it('hears of appends elsewhere by hint, and by polling when no hint comes; a false hint harms nothing', async () => {
    for (const signals of [inProcessSignals(), undefined]) {
      const reading = await open({
        ...(signals && { signals }),
        poll: signals ? { hotMs: 60_000, idleMs: 60_000 } : { hotMs: 5, idleMs: 20 },
      });
      const writing = await open({ ...(signals && { signals }) });
      const stop = new AbortController();
      const after = await reading.head(0);
      const first = (async () => {
        for await (const page of reading.tail(0, after, { limit: 10, signal: stop.signal })) return page.events;
        return [];
      })();
      signals?.publish('log', '0:999999');
      signals?.publish('log', 'nonsense');
      await writing.append(stream('x'), 'any', someEvents(1));
      expect(await first).toHaveLength(1);
      stop.abort();
    }
  });

  it('closes at once also while it gathers', async () => {
    for (let n = 0; n < 10; n += 1) {
      const log = await openPostgresLog({ url: database.url });
      await Promise.all(Array.from({ length: 10 }, (_, m) => log.append(stream(`c${n}.${m}`), 'none', someEvents(1))));
      await expect(log.close()).resolves.toBeUndefined();
    }
  });

  it('finds a stream in the shard it began in after shards were added', async () => {
    const before = await open();
    const names = Array.from({ length: 8 }, (_, n) => stream(`s${n}`));
    for (const name of names) await before.append(name, 'none', someEvents(1));
    await migrateEventLog(database.url, { shards: 3, partitionSpan: 100 });
    const after = await open();
    for (const name of names)
      expect(await after.append(name, { revision: 0 }, someEvents(1))).toMatchObject({ type: 'appended', revision: 1 });
    expect((await after.readAll(0, START, 100)).events).toHaveLength(16);
    const fresh = await Promise.all(Array.from({ length: 20 }, (_, n) => after.append(stream(`new${n}`), 'none', someEvents(1))));
    expect(fresh.every(({ type }) => type === 'appended')).toBe(true);
    expect((await after.readAll(0, START, 100)).events.length).toBeLessThan(36);
  });

  it('raises the alarm when the table has a hole', async () => {
    const log = await open();
    await log.append(stream('a'), 'none', someEvents(5));
    const { rows } = await admin.query<{ name: string }>('select name from log.partition order by lower limit 1');
    await admin.query(`alter table log.${rows[0]?.name} disable trigger user`);
    await admin.query('delete from log.event where position = 3');
    await expect(log.readAll(0, START, 10)).rejects.toThrow(LogGapError);
    await expect(log.readStream(stream('a'), 0, 10)).rejects.toThrow(LogGapError);
    await expect(log.tail(0, START, { limit: 10, signal: new AbortController().signal })[Symbol.asyncIterator]().next()).rejects.toThrow(
      LogGapError,
    );
  });

  it('stops a page before it grows too large, and still gives everything', async () => {
    const log = await open();
    const large = Array.from({ length: 20 }, (_, n) => ({ id: derivedId<EventId>('large', n), type: 'Large', version: 1, data: { text: 'x'.repeat(250_000) }, meta: {} })); // prettier-ignore
    for (let n = 0; n < 3; n += 1) {
      await log.append(stream('large'), 'any', large.map((event, index) => ({ ...event, id: derivedId<EventId>('large', n, index) }))); // prettier-ignore
    }
    const pages: LogPage[] = [];
    do pages.push(await log.readAll(0, pages.at(-1)?.next ?? START, 1000));
    while (!pages.at(-1)?.atHead);
    expect(pages.length).toBeGreaterThan(2);
    expect(pages.reduce((sum, { events }) => sum + events.length, 0)).toBe(60);
    expect(await log.readStream(stream('large'), 0, 500)).toHaveLength(60);
  });
});

describe('opening the log', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  it('says that the schema is missing, or Postgres', async () => {
    await expect(openPostgresLog({ url: database.url })).rejects.toThrow(LogUnavailable);
    await expect(openPostgresLog({ url: 'postgresql://nobody@127.0.0.1:1/none' })).rejects.toThrow(LogUnavailable);
  });
});
