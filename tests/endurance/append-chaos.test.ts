/**
 * The standing test behind "no event is ever skipped": several appender processes, a live tail, backends terminated at random and one
 * client killed with -9. Nothing skipped, nothing doubled, nothing out of order, everything acknowledged there.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type LogPage, START } from '@tidings/contracts/ports/event-log';
import { migrateEventLog } from '@tidings/infra/event-log/postgres/migrate';
import { openPostgresLog, type PostgresLog } from '@tidings/infra/event-log/postgres/postgres-log';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../kit/postgres.ts';
import type { AppenderTask } from './appender.ts';

const EVENTS = 200_000;
const SURVIVORS = ['ann', 'ben', 'cid'];
const VICTIM = 'zoe';
const WITHIN_MS = 90_000;
const KILL_CLIENT_AT = 40_000;
/** Small, so that the log moves on through many while all this goes on. */
const PARTITION_SPAN = 50_000;

interface Acknowledged {
  readonly stream: string;
  readonly revision: number;
  readonly position: string;
  readonly ids: readonly string[];
}
interface Appender {
  readonly acknowledged: Acknowledged[];
  readonly violations: string[];
  unknown: number;
  readonly kill: () => void;
  readonly ended: Promise<number | null>;
}
/** What the checks need of an event; 200,000 whole ones would be too much to keep twice. */
interface Seen {
  readonly position: string;
  readonly stream: string;
  readonly revision: number;
  readonly id: string;
}

const running: Appender[] = [];

const startAppender = (task: AppenderTask): Appender => {
  const script = fileURLToPath(new URL('appender.ts', import.meta.url));
  const child = spawn(process.execPath, [script, JSON.stringify(task)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const appender: Appender = {
    acknowledged: [],
    violations: [],
    unknown: 0,
    kill: () => child.kill('SIGKILL'),
    ended: once(child, 'close').then(([code]) => code as number | null), // documented arguments of 'close'
  };
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [kind, stream = '', revision = '', position = '', ids] = line.split(' ');
    if (kind === 'A' && ids !== undefined)
      appender.acknowledged.push({ stream, revision: Number(revision), position, ids: ids.split(',') });
    else if (kind === 'U') appender.unknown += 1;
    else if (kind === 'V') appender.violations.push(line.slice(2));
  });
  running.push(appender);
  return appender;
};

const seenIn = ({ events }: LogPage): Seen[] => events.map(({ position, stream, revision, id }) => ({ position, stream, revision, id }));

/** Follows the log while everything happens, until it is told where the end is. */
const follow = (log: PostgresLog) => {
  const seen: Seen[] = [];
  const stop = new AbortController();
  let end = '~'; // sorts behind every position
  const done = (async () => {
    for await (const page of log.tail(0, START, { limit: 500, signal: stop.signal })) {
      seen.push(...seenIn(page));
      if (page.next >= end) stop.abort();
    }
  })();
  return {
    seen,
    finishAt: async (position: string): Promise<void> => {
      end = position;
      if ((seen.at(-1)?.position ?? START) >= end) stop.abort();
      await done;
    },
  };
};

const terminateBackends = (client: pg.Client) => {
  let going = true;
  let terminated = 0;
  const done = (async () => {
    while (going) {
      await delay(50 + Math.random() * 250);
      const { rowCount } = await client.query(
        `select pg_terminate_backend(pid) from (select pid from pg_stat_activity
          where datname = current_database() and application_name like 'tidings log%' order by random() limit 1) victim`,
      );
      terminated += rowCount ?? 0;
    }
  })();
  return async (): Promise<number> => {
    going = false;
    await done;
    return terminated;
  };
};

const readAll = async (log: PostgresLog): Promise<readonly Seen[]> => {
  const all: Seen[] = [];
  for (let after = START; ;) {
    const page = await log.readAll(0, after, 5000);
    all.push(...seenIn(page));
    if (page.atHead) return all;
    after = page.next;
  }
};

describe('appending while everything breaks', () => {
  let database: TestDatabase;
  let admin: pg.Client;
  let log: PostgresLog;
  beforeAll(async () => {
    database = await createTestDatabase();
    await migrateEventLog(database.url, { partitionSpan: PARTITION_SPAN });
    admin = new pg.Client({ connectionString: database.url });
    await admin.connect();
    log = await openPostgresLog({ url: database.url, partitionSpan: PARTITION_SPAN });
  });
  afterAll(async () => {
    for (const { kill } of running) kill();
    await Promise.all(running.map(({ ended }) => ended));
    await log.close();
    await admin.end();
    await database.drop();
  });

  it(`keeps ${EVENTS} events dense, in order, once each, and all that were acknowledged`, { timeout: 170_000 }, async () => {
    const tail = follow(log);
    const stopTerminating = terminateBackends(admin);
    const start = (name: string): Appender =>
      startAppender({ url: database.url, name, events: EVENTS / SURVIVORS.length, callers: 120, withinMs: WITHIN_MS });
    const [victim, survivors] = [start(VICTIM), SURVIVORS.map(start)];
    await expect.poll(() => tail.seen.length, { timeout: WITHIN_MS, interval: 20 }).toBeGreaterThan(KILL_CLIENT_AT);
    victim.kill();
    expect(await Promise.all([victim, ...survivors].map(({ ended }) => ended))).toEqual([null, 0, 0, 0]);
    const terminated = await stopTerminating();
    await tail.finishAt(await log.head(0));

    const written = await readAll(log);
    const appenders = [victim, ...survivors];
    const figures = { events: written.length, terminated, unknown: appenders.reduce((sum, { unknown }) => sum + unknown, 0) };
    expect(appenders.flatMap(({ violations }) => violations)).toEqual([]);
    expect(figures.events).toBeGreaterThanOrEqual(EVENTS);
    expect(figures.terminated).toBeGreaterThan(10);

    // Comparing with a plain loop: a matcher over 200,000 objects takes longer than the chaos.
    const wrong: string[] = [];
    const lastRevision = new Map<string, number>();
    const byId = new Map<string, Seen>();
    for (const [index, event] of written.entries()) {
      const live = tail.seen[index];
      if (Number(event.position) !== index + 1) wrong.push(`position ${event.position} stands at ${index + 1}`);
      if (event.revision !== (lastRevision.get(event.stream) ?? -1) + 1) wrong.push(`${event.stream} goes on with ${event.revision}`);
      if (byId.has(event.id)) wrong.push(`event ${event.id} is there twice`);
      if (live?.id !== event.id || live.position !== event.position) wrong.push(`the tail saw ${live?.id} for ${event.id}`);
      lastRevision.set(event.stream, event.revision);
      byId.set(event.id, event);
    }
    if (tail.seen.length !== written.length) wrong.push(`the tail saw ${tail.seen.length} events of ${written.length}`);
    for (const { stream, revision, position, ids } of appenders.flatMap(({ acknowledged }) => acknowledged)) {
      const found = ids.map((id) => byId.get(id));
      const first = revision - ids.length + 1;
      const there = found.every((event, index) => event?.stream === stream && event.revision === first + index);
      if (!there || found.at(-1)?.position !== position) wrong.push(`acknowledged ${stream} at ${revision} is not there as said`);
    }
    expect(wrong.slice(0, 10)).toEqual([]);
  });
});
