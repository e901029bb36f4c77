import { setTimeout as delay } from 'node:timers/promises';
import type { EventId, StreamId } from '@tidings/contracts/ids';
import { type EventLog, LogUnavailable, type LoggedEvent, Overloaded, type Position, START } from '@tidings/contracts/ports/event-log';
import type pg from 'pg';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KurrentProtocolServer } from '../../../../tests/kit/kurrentdb-protocol.ts';
import { createTestDatabase, type TestDatabase } from '../../../../tests/kit/postgres.ts';
import { openPool } from '../../postgres/pools.ts';
import { someEvents } from '../contract.ts';
import { openKurrentLog } from '../kurrentdb/kurrentdb-log.ts';
import { openKurrentSide } from '../kurrentdb/kurrentdb-side.ts';
import { openLog } from '../open.ts';
import { migrateEventLog } from '../postgres/migrate.ts';
import { openPostgresLog } from '../postgres/postgres-log.ts';
import { openPostgresSide } from '../postgres/postgres-side.ts';
import { cancelMove, type Moved, moveLog } from './move-log.ts';
import type { LogSide } from './side.ts';

const quiet = pino({ level: 'silent' });
const lookMs = 50;
type Name = 'postgres' | 'kurrentdb';
const other = (name: Name): Name => (name === 'postgres' ? 'kurrentdb' : 'postgres');
const stream = (name: string | number): StreamId => `test-${name}` as StreamId;

let database: TestDatabase;
let server: KurrentProtocolServer;
let pool: pg.Pool;
const opened: { close(): Promise<void> }[] = [];
const kept = <A extends { close(): Promise<void> }>(one: A): A => {
  opened.push(one);
  return one;
};

beforeEach(async () => {
  database = await createTestDatabase();
  await migrateEventLog(database.url, { partitionSpan: 1_000 });
  server = new KurrentProtocolServer();
  await server.listen();
  pool = openPool({ url: database.url, name: 'test', max: 4, logger: quiet });
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
  await pool.end();
  server.stop();
  await database.drop();
});

const node = async (name: Name): Promise<EventLog> =>
  kept(
    name === 'postgres'
      ? await openPostgresLog({ url: database.url, partitionSpan: 1_000 })
      : await openKurrentLog({ url: server.url, pollMs: 50, lookMs }),
  );
const side = async (name: Name): Promise<LogSide> =>
  kept(
    name === 'postgres'
      ? await openPostgresSide({ url: database.url, logger: quiet, partitionSpan: 1_000 })
      : await openKurrentSide({ url: server.url, lookMs }),
  );
const silent = { copied: () => undefined, held: () => undefined };
const move = async (
  from: Name,
  changes: { readonly source?: LogSide; readonly target?: LogSide; readonly signal?: AbortSignal; readonly copyOnly?: boolean } = {},
): Promise<Moved> =>
  moveLog({
    pool,
    source: await side(from),
    target: await side(other(from)),
    report: silent,
    page: 20,
    signal: new AbortController().signal,
    ...changes,
  });

const everything = async (log: Pick<EventLog, 'readAll'>): Promise<readonly LoggedEvent[]> => {
  const all: LoggedEvent[] = [];
  for (let after: Position = START; ;) {
    const page = await log.readAll(0, after, 700);
    all.push(...page.events);
    if (page.atHead) return all;
    after = page.next;
  }
};
const fill = async (log: EventLog, appends: number, streams = 7): Promise<void> => {
  for (let n = 0; n < appends; n += 1) await log.append(stream(n % streams), 'any', someEvents(1 + (n % 3)));
};

describe('moving the log', { timeout: 60_000 }, () => {
  it('goes there and back and there again with positions, ids, revisions, times and everything', async () => {
    const first = await node('postgres');
    await fill(first, 60);
    let before = await everything(first);
    expect(await move('postgres')).toMatchObject({ outcome: 'switched', streams: 7, events: before.length });
    for (const now of ['kurrentdb', 'postgres', 'kurrentdb'] as const) {
      server.records.statistics();
      const log = await node(now);
      expect(await everything(log)).toEqual(before);
      expect(await log.head(0)).toBe(before.at(-1)?.position);
      expect(await log.readStream(stream(3), 0, 1_000)).toEqual(before.filter((event) => event.stream === stream(3)));
      await fill(log, 15);
      const after = await everything(log);
      expect(after.slice(0, before.length)).toEqual(before);
      expect(after.length).toBe(before.length + 30);
      expect(after.map(({ position }) => position)).toEqual([...new Set(after.map(({ position }) => position))].toSorted());
      before = after;
      expect(await move(now)).toMatchObject({ outcome: 'switched', events: before.length });
    }
    const last = await node('postgres');
    expect(await everything(last)).toEqual(before);
    expect(server.misplacedReads).toBe(0);
    // Events can be counted again, but not from amid those that came with gaps.
    const head = await last.head(0);
    expect([last.distance(START, head), last.distance(before[90]?.position ?? START, head)]).toEqual([before.length, null]);
  });

  it.each(['postgres', 'kurrentdb'] as const)('from %s lets readers resume from every position, with pages of any size', async (from) => {
    await fill(await node(from), 60);
    await move(from);
    const log = await node(other(from));
    await fill(log, 9);
    const all = await everything(log);
    const places = [0, 1, 18, 19, 20, 21, 50, 116, 118, 119, 120, 121, all.length - 2];
    // Another process knows nothing yet.
    const fresh = await node(other(from));
    for (const limit of [1, 3]) {
      for (const at of places) {
        const page = await fresh.readAll(0, all[at]?.position ?? START, limit);
        // A page is shorter where a landmark stands among its events.
        expect(page.events).toEqual(all.slice(at + 1, at + 1 + page.events.length));
        expect(page.events.length > 0 && page.events.length <= limit).toBe(true);
      }
    }
    const some = places.flatMap((at) => all[at] ?? []);
    expect(
      await fresh.readAt(
        0,
        some.map(({ position }) => position),
      ),
    ).toEqual(some);
    expect(await fresh.readAt(0, [START])).toEqual([]);
    expect(server.misplacedReads).toBe(0);
  });

  it.each(['postgres', 'kurrentdb'] as const)(
    'from %s loses and repeats nothing while many append, and knows what was appended before',
    async (from) => {
      const nodes = await Promise.all([node(from), node(from)]);
      await fill(nodes[0], 30);
      const acknowledged: { readonly stream: StreamId; readonly revision: number; readonly id: EventId }[] = [];
      const refusals: unknown[] = [];
      let isMoved = false;
      const writer = async (n: number): Promise<void> => {
        const mine = stream(`writer${n}`);
        for (let revision = 0; !isMoved; revision += 1) {
          const events = someEvents(1);
          for (;;) {
            const done = await nodes[n % 2]
              ?.append(mine, revision === 0 ? 'none' : { revision: revision - 1 }, events)
              .catch((error: unknown) => {
                refusals.push(error);
                return null;
              });
            if (done !== null && done !== undefined) {
              expect(done).toMatchObject({ type: 'appended', revision });
              acknowledged.push(...events.map(({ id }) => ({ stream: mine, revision, id })));
              await delay(2); // a move catches up with writers only where they leave it some processor
              break;
            }
            if (isMoved) return;
            await delay(5);
          }
        }
      };
      const writing = Promise.all(Array.from({ length: 6 }, (_, n) => writer(n)));
      expect(await move(from)).toMatchObject({ outcome: 'switched' });
      isMoved = true;
      await writing;
      expect(acknowledged.length).toBeGreaterThan(20);
      expect(refusals.length).toBeGreaterThan(0);
      const kinds = new Set(
        refusals.map((error) => (error instanceof Overloaded ? 'held' : error instanceof LogUnavailable ? error.outcome : String(error))),
      );
      expect([...kinds].filter((kind) => kind !== 'held' && kind !== 'not-applied')).toEqual([]);
      const log = await node(other(from));
      const all = await everything(log);
      const written = all.filter(({ stream: name }) => name.startsWith('test-writer'));
      const byStream = (a: { stream: string; revision: number }, b: { stream: string; revision: number }): number =>
        a.stream === b.stream ? a.revision - b.revision : a.stream < b.stream ? -1 : 1;
      expect(written.map(({ stream: name, revision, id }) => ({ stream: name, revision, id })).toSorted(byStream)).toEqual(
        acknowledged.toSorted(byStream),
      );
      // The very same append again.
      const [once] = written;
      if (once === undefined) throw new Error('nothing was written');
      const { id, type, version, data, meta } = once;
      const again = await log.append(once.stream, 'none', [{ id, type, version, data, meta }]);
      expect(again).toEqual({ type: 'duplicate', revision: 0, position: once.position, recordedAt: once.recordedAt });
    },
  );

  it.each(['postgres', 'kurrentdb'] as const)('from %s leaves a log that nobody starts with, nor appends to', async (from) => {
    const old = await node(from);
    await fill(old, 10);
    await move(from);
    await expect(node(from)).rejects.toThrow(`start with EVENT_LOG=${other(from)}`);
    // It may know for a moment longer only that appends are held.
    await expect
      .poll(() => old.append(stream('late'), 'none', someEvents(1)).then(String, (error: unknown) => error))
      .toBeInstanceOf(LogUnavailable);
    const log = await node(other(from));
    await log.append(stream('later'), 'none', someEvents(1));
    expect((await everything(log)).filter(({ stream: name }) => name === stream('late'))).toEqual([]);
    expect(await move(from)).toMatchObject({ outcome: 'already' });
  });

  it.each(['postgres', 'kurrentdb'] as const)('from %s holds appends for a while only, when whoever moves it dies', async (from) => {
    const log = await node(from);
    await fill(log, 3);
    const source = await side(from);
    await source.hold();
    await expect(log.append(stream('a'), 'none', someEvents(1))).rejects.toBeInstanceOf(Overloaded);
    await source.release();
    await expect
      .poll(() => log.append(stream('b'), 'any', someEvents(1)).catch(() => null), { timeout: 5_000, interval: 20 })
      .toMatchObject({ type: 'appended' });
  });

  it.each(['postgres', 'kurrentdb'] as const)('from %s goes on after it was killed anywhere', async (from) => {
    await fill(await node(from), 60);
    const before = await everything(await node(from));
    const steps = ['copy', 'readBack', 'receive', 'open'] as const;
    for (const step of steps) {
      const target = await side(other(from));
      let calls = 0;
      const dying: LogSide = {
        ...target,
        [step]: async (...args: never[]) => {
          calls += 1;
          if (step === 'copy' && calls === 2) {
            // Half of a page, as a kill leaves it.
            await target.copy((args[0] as unknown as readonly LoggedEvent[]).slice(0, 7));
            throw new Error('killed');
          }
          if (calls > 1 || step === 'receive' || step === 'open') throw new Error('killed');
          return (target[step] as (...same: never[]) => unknown)(...args);
        },
      };
      await expect(move(from, { target: dying })).rejects.toThrow('killed');
    }
    // It was sealed by then: nobody may write, wherever.
    await expect(node(from)).rejects.toThrow('was moved');
    await expect(node(other(from))).rejects.toThrow('is being moved');
    expect(await move(from)).toMatchObject({ outcome: 'switched', events: before.length });
    expect(await everything(await node(other(from)))).toEqual(before);
  });

  it.each(['postgres', 'kurrentdb'] as const)('from %s can be given up, before the seal and behind it', async (from) => {
    const log = await node(from);
    await fill(log, 20);
    const before = await everything(log);
    await move(from, { copyOnly: true });
    const target = await side(other(from));
    await expect(move(from, { target: { ...target, open: () => Promise.reject(new Error('killed')) } })).rejects.toThrow('killed');
    await cancelMove({ pool, source: await side(from), target });
    const again = await node(from);
    expect(await everything(again)).toEqual(before);
    expect(await again.append(stream('on'), 'none', someEvents(1))).toMatchObject({ type: 'appended' });
    expect((await everything(again)).length).toBe(before.length + 1);
    expect(await move(from)).toMatchObject({ outcome: 'switched', events: before.length + 1 });
    await expect(cancelMove({ pool, source: await side(from), target: await side(other(from)) })).rejects.toThrow('move it back');
  });

  it('is refused into a log that holds something else, and finds what is not the same', async () => {
    await fill(await node('postgres'), 20);
    const foreign = await node('kurrentdb');
    await foreign.append(stream(0), 'none', someEvents(1));
    await expect(move('postgres')).rejects.toThrow('holds events of its own');
    server.stop();
    server = new KurrentProtocolServer();
    await server.listen();
    const lying = await side('kurrentdb');
    const changed: LogSide = {
      ...lying,
      readBack: async (after, limit) => {
        const page = await lying.readBack(after, limit);
        return { ...page, events: page.events.map((event) => (event.stream === stream(4) ? { ...event, data: { forged: true } } : event)) };
      },
    };
    await expect(move('postgres', { target: changed })).rejects.toThrow(`not the same in both logs: ${stream(4)}.`);
    expect(await (await node('postgres')).append(stream(4), 'any', someEvents(1))).toMatchObject({ type: 'appended' });
  });

  it('never acknowledges nor shows what a paused process writes into a KurrentDB that was left', async () => {
    const log = await node('kurrentdb');
    await fill(log, 10);
    const paused = await openKurrentLog({ url: server.url, lookMs: 3_600_000 }); // has not looked since
    kept(paused);
    await move('kurrentdb');
    const written = server.appends;
    await expect(paused.append(stream('stray'), 'none', someEvents(1))).rejects.toMatchObject({ outcome: 'not-applied' });
    expect(server.appends).toBe(written + 1);
    expect((await everything(log)).length).toBe(19);
    expect(await log.readStream(stream('stray'), 0, 10)).toEqual([]);
    // Going back there would meet it.
    const now = await node('postgres');
    await now.append(stream('stray'), 'none', someEvents(1));
    await expect(move('postgres')).rejects.toThrow('stream test-stray of the KurrentDB holds, at revision 0, what is not in the log');
    expect(await now.append(stream('on'), 'none', someEvents(1))).toMatchObject({ type: 'appended' });
  });

  it('starts on the log in use alone', async () => {
    const parts = { url: database.url, logger: quiet };
    const kurrentdb = { type: 'kurrentdb', kurrentdb: server.url } as const;
    await fill(await node('postgres'), 3);
    await expect(openLog(kurrentdb, parts)).rejects.toThrow('start with EVENT_LOG=postgres, or move it');
    await move('postgres');
    kept(await openLog(kurrentdb, parts));
    const empty = new KurrentProtocolServer();
    await empty.listen();
    await expect(openLog({ type: 'kurrentdb', kurrentdb: empty.url }, parts)).rejects.toThrow('leads to an empty KurrentDB');
    empty.stop();
  });

  it('leaves an empty log in Postgres for good when one begins in KurrentDB', async () => {
    const parts = { url: database.url, logger: quiet };
    const log = kept(await openLog({ type: 'kurrentdb', kurrentdb: server.url }, parts));
    await log.append(stream('a'), 'none', someEvents(1));
    await expect(node('postgres')).rejects.toThrow('start with EVENT_LOG=kurrentdb');
  });

  it('is done by one at a time', async () => {
    await fill(await node('postgres'), 3);
    const target = await side('kurrentdb');
    let go: () => void = () => undefined;
    const waiting = new Promise<void>((resolve) => (go = resolve));
    let began: () => void = () => undefined;
    const receiving = new Promise<void>((resolve) => (began = resolve));
    const receive = async (): Promise<void> => {
      began();
      await waiting;
      await target.receive();
    };
    const first = move('postgres', { target: { ...target, receive } });
    await receiving;
    await expect(move('postgres')).rejects.toThrow('being moved already');
    go();
    await first;
  });
});
