import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import type { EventId } from '@tidings/contracts/ids';
import type { Projection } from '@tidings/contracts/projection';
import { createPositionFeed } from './announce.ts';
import { parkedStreams, requestUnpark } from './parking.ts';
import { projectionStatus } from './status.ts';
import { bystander, openWorld, streamOf, trails, type Poison, type World } from './test-kit.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

const SCHEMA = 'trails_v1_g1';
const until = (check: () => Promise<void>): Promise<void> => vi.waitFor(check, { timeout: 10_000, interval: 10 });
const reaches = (position: string): Promise<void> => until(async () => expect((await world.checkpoint(SCHEMA)) ?? '').toBe(position));

describe('the projector', () => {
  it('makes the first instance live and applies what is there and what comes', async () => {
    await world.mark('a', 1, 2);
    await world.start([trails()]);
    await reaches(await world.mark('b', 7));
    await reaches(await world.mark('a', 3));
    expect(await world.trail(SCHEMA)).toEqual({ a: '1 2 3', b: '7' });
    const [status] = await projectionStatus(world.pool);
    expect(status).toMatchObject({ name: 'trails', version: 1, generation: 1, state: 'live', owned: true, parked: 0 });
    await until(async () => {
      const indexes = await world.pool.query(`select from pg_indexes where schemaname = $1 and indexname = 'trail_applied'`, [SCHEMA]);
      expect(indexes.rowCount).toBe(1);
    });
  });

  it('says in one line what it projects', async () => {
    const lines: { readonly msg: string; readonly projections?: object }[] = [];
    const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number]) });
    await world.start([trails(), bystander], { logger });
    await reaches(await world.mark('a', 1));
    expect(lines.filter(({ msg }) => msg === 'projecting').map(({ projections }) => Object.keys(projections ?? {}).toSorted())).toEqual([
      ['bystander_v1_g1', SCHEMA],
    ]);
  });

  it('reads pages of its own until it meets the tail, and misses nothing while writers go on', async () => {
    for (let mark = 0; mark < 300; mark += 1) await world.mark(`s${mark % 7}`, mark);
    await world.start([trails()], { settings: { replayPage: 11, livePage: 5 } });
    for (let mark = 300; mark < 600; mark += 1) await world.mark(`s${mark % 7}`, mark);
    await reaches(await world.mark('last', 1));
    const found = await world.trail(SCHEMA);
    for (let stream = 0; stream < 7; stream += 1) {
      const expected = Array.from({ length: 600 }, (_, mark) => mark).filter((mark) => mark % 7 === stream);
      expect(found[`s${stream}`]).toBe(expected.join(' '));
    }
  });

  it('goes on after a stop where it was, each event applied once', async () => {
    const first = await world.start([trails()]);
    await reaches(await world.mark('a', 1, 2, 3));
    await first.stop();
    const last = await world.mark('a', 4);
    await world.start([trails()]);
    await reaches(last);
    expect(await world.trail(SCHEMA)).toEqual({ a: '1 2 3 4' });
  });

  it('applies a page once although the connection breaks before its commit is answered', async () => {
    let breaks = 2;
    const fragile = trails();
    const breaking: Projection = {
      ...fragile,
      apply: async (page, tx) => {
        await fragile.apply(page, tx);
        breaks -= 1;
        if (breaks >= 0) await tx.query('select pg_terminate_backend(pg_backend_pid())');
      },
    };
    await world.start([breaking]);
    await reaches(await world.mark('a', 1, 2, 3));
    expect(breaks).toBeLessThan(0);
    expect(await world.trail(SCHEMA)).toEqual({ a: '1 2 3' });
  });

  it('applies everything once and in order while its connections are ended at random', async () => {
    await world.start([trails()], { settings: { livePage: 7 } });
    const expected: Record<string, string[]> = {};
    let last = '';
    for (let mark = 0; mark < 400; mark += 1) {
      const stream = `s${mark % 5}`;
      (expected[stream] ??= []).push(String(mark));
      last = await world.mark(stream, mark);
      if (mark % 40 === 0) await world.endConnections();
    }
    await reaches(last);
    expect(await world.trail(SCHEMA)).toEqual(
      Object.fromEntries(Object.entries(expected).map(([stream, marks]) => [stream, marks.join(' ')])),
    );
  });

  it('applies again, though nothing else comes, what a crash of Postgres lost, and says of nothing that it is there before', async () => {
    const plain = trails();
    const feed = createPositionFeed();
    let again: { readonly begun: PromiseWithResolvers<void>; readonly goOn: PromiseWithResolvers<void> } | null = null;
    const slow: Projection = {
      ...plain,
      apply: async (page, tx) => {
        again?.begun.resolve();
        await again?.goOn.promise;
        await plain.apply(page, tx);
      },
    };
    await world.start([slow], { feed });
    const first = await world.mark('a', 1);
    await reaches(first);
    const last = await world.mark('a', 2);
    await reaches(last);
    again = { begun: Promise.withResolvers(), goOn: Promise.withResolvers() };
    await world.pool.query(`update ${SCHEMA}.trail set marks = '1', applied = 1`); // as after the crash
    await world.pool.query('update projection.checkpoint set position = $1', [first]);
    const said: string[] = [];
    feed.subscribe((_schema, position) => said.push(position));
    const broke = once(world.pool, 'error');
    await world.endConnections();
    await broke;
    const passing = await world.pass(); // is none of its business, and would let it say that it is beyond
    await again.begun.promise;
    expect(said).toEqual([]);
    again.goOn.resolve();
    await reaches(passing);
    expect(await world.trail(SCHEMA)).toEqual({ a: '1 2' });
    expect(said).not.toEqual([]);
  });

  it('lets one that nobody waits for gather also what comes one by one', async () => {
    const plain = trails();
    const pages: number[] = [];
    const unhurried: Projection = {
      ...trails(new Set(), 1, 'unhurried'),
      unhurried: true,
      apply: (page, tx) => {
        pages.push(page.length);
        return plain.apply(page, tx);
      },
    };
    await world.start([plain, unhurried], { settings: { unhurriedMs: 3_000 } });
    await world.mark('a', 1);
    await until(async () => expect(await world.trail('unhurried_v1_g1')).toEqual({ a: '1' })); // from here on it gathers
    for (const mark of [2, 3, 4]) await reaches(await world.mark('a', mark)); // the other one, a page each
    await until(async () => expect(await world.trail('unhurried_v1_g1')).toEqual({ a: '1 2 3 4' }));
    expect(pages).toEqual([1, 3]);
  });

  it('moves the checkpoint of a projection that has nothing to do', async () => {
    await world.start([trails(), bystander]);
    const last = await world.mark('a', 1);
    await until(async () => expect(await world.checkpoint('bystander_v1_g1')).toBe(last));
  });

  it('tells health and metrics', async () => {
    const metrics = new Registry();
    const projector = await world.start([trails()], { metrics });
    await reaches(await world.mark('a', 1, 2));
    await until(async () => expect(projector.health()).toMatchObject({ state: 'idle', detail: { [SCHEMA]: { lag: 0, parked: 0 } } }));
    const text = await metrics.metrics();
    expect(text).toContain('tidings_projection_lag_events{projection="trails",version="1",generation="1",shard="0"} 0');
    expect(text).toContain('tidings_projection_events_total{projection="trails",version="1",generation="1"} 2');
  });

  it('says that it is stuck when there is work and no progress', async () => {
    const hanging: Projection = {
      ...trails(),
      apply: () => Promise.reject(Object.assign(new Error('deadlock detected'), { code: '40P01' })),
    };
    const projector = await world.start([hanging], { settings: { stuckAfterMs: 50 } });
    await world.mark('a', 1);
    await until(async () => expect(projector.health()).toMatchObject({ state: 'stuck', waitingOn: 'Error: deadlock detected' }));
  });
});

describe('poison', () => {
  const poison: Poison = new Set();
  beforeEach(() => poison.clear());

  it('parks the stream, lets all others flow, and takes it up again in order', async () => {
    poison.add(666);
    await world.mark('good', 1);
    await world.mark('bad', 1, 2);
    await world.mark('bad', 666, 4);
    await world.start([trails(poison)]);
    await reaches(await world.mark('good', 2));
    expect(await world.trail(SCHEMA)).toEqual({ good: '1 2', bad: '1 2' });
    const [parked] = await parkedStreams(world.pool, SCHEMA);
    expect(parked).toMatchObject({ stream: streamOf('bad'), fromRevision: 2, attempts: 3, error: 'TypeError: mark 666 is poison' });

    await world.mark('bad', 5);
    await reaches(await world.mark('good', 3));
    expect(await world.trail(SCHEMA)).toEqual({ good: '1 2 3', bad: '1 2' });

    expect(await requestUnpark(world.pool, SCHEMA, streamOf('bad'))).toBe(true);
    await until(async () => expect((await parkedStreams(world.pool, SCHEMA))[0]).toMatchObject({ attempts: 4, unparkRequested: false }));

    poison.clear();
    await requestUnpark(world.pool, SCHEMA, streamOf('bad'));
    await until(async () => expect(await parkedStreams(world.pool, SCHEMA)).toEqual([]));
    expect(await world.trail(SCHEMA)).toEqual({ good: '1 2 3', bad: '1 2 666 4 5' });
    await reaches(await world.mark('bad', 6));
    expect((await world.trail(SCHEMA))['bad']).toBe('1 2 666 4 5 6');
  });

  it('tries once for each request, and again for one made while it tries', async () => {
    poison.add(666);
    const plain = trails(poison);
    let failing: PromiseWithResolvers<void> | null = null;
    let goOn: PromiseWithResolvers<void> | null = null;
    const slow: Projection = {
      ...plain,
      apply: (page, tx) =>
        plain.apply(page, tx).catch(async (error: unknown) => {
          failing?.resolve();
          await goOn?.promise;
          throw error;
        }),
    };
    await world.start([slow]);
    await reaches(await world.mark('bad', 666));
    [failing, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    await requestUnpark(world.pool, SCHEMA, streamOf('bad'));
    await failing.promise;
    const queries = vi.spyOn(world.pool, 'query');
    const looks = (): number => queries.mock.calls.filter(([text]) => text.includes('unpark_requested_at is not null')).length;
    await until(async () => expect(looks()).toBeGreaterThanOrEqual(2)); // the request is seen again while it is answered
    queries.mockRestore();
    goOn.resolve();
    await until(async () => expect((await parkedStreams(world.pool, SCHEMA))[0]).toMatchObject({ unparkRequested: false }));
    await reaches(await world.mark('good', 1));
    expect((await parkedStreams(world.pool, SCHEMA))[0]).toMatchObject({ attempts: 4 });

    [failing, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    await requestUnpark(world.pool, SCHEMA, streamOf('bad'));
    await failing.promise;
    poison.clear();
    await requestUnpark(world.pool, SCHEMA, streamOf('bad'));
    goOn.resolve();
    await until(async () => expect(await parkedStreams(world.pool, SCHEMA)).toEqual([]));
    expect((await world.trail(SCHEMA))['bad']).toBe('666');
  });

  it('parks every stream that fails in one page', async () => {
    for (const mark of [13, 17]) poison.add(mark);
    for (let mark = 10; mark < 20; mark += 1) await world.mark(`s${mark}`, 0, mark, 1);
    await world.start([trails(poison)]);
    await reaches(await world.mark('end', 1));
    const found = await world.trail(SCHEMA);
    expect([found['s12'], found['s13'], found['s17'], found['s18']]).toEqual(['0 12 1', '0', '0', '0 18 1']);
    expect((await parkedStreams(world.pool, SCHEMA)).map((one) => one.stream)).toEqual([streamOf('s13'), streamOf('s17')]);
  });

  it('keeps a parked stream parked after a restart', async () => {
    poison.add(666);
    const first = await world.start([trails(poison)]);
    await reaches(await world.mark('bad', 666));
    await first.stop();
    await world.start([trails(poison)]);
    await world.mark('bad', 2);
    await reaches(await world.mark('good', 1));
    expect(await world.trail(SCHEMA)).toEqual({ good: '1' });
  });

  it('unparks while writers of the same stream go on', async () => {
    poison.add(666);
    await world.start([trails(poison)]);
    await reaches(await world.mark('bad', 666));
    for (let mark = 1; mark <= 200; mark += 1) {
      await world.mark('bad', mark);
      if (mark === 100) {
        poison.clear();
        await requestUnpark(world.pool, SCHEMA, streamOf('bad'));
      }
    }
    await until(async () => expect(await parkedStreams(world.pool, SCHEMA)).toEqual([]));
    await reaches(await world.mark('bad', 201));
    expect((await world.trail(SCHEMA))['bad']).toBe(['666', ...Array.from({ length: 201 }, (_, mark) => mark + 1)].join(' '));
  });

  it('parks a stream with an event that cannot be decoded', async () => {
    await world.mark('bad', 1);
    await world.log.append(streamOf('bad'), 'any', [
      { id: randomUUID() as EventId, type: 'RoomRead', version: 1, data: { upToSeq: 'x' }, meta: {} },
    ]);
    await world.mark('bad', 3);
    await world.start([trails()]);
    await reaches(await world.mark('good', 1));
    expect(await world.trail(SCHEMA)).toEqual({ bad: '1', good: '1' });
    expect(await parkedStreams(world.pool, SCHEMA)).toMatchObject([{ stream: streamOf('bad'), fromRevision: 1 }]);
  });

  it('parks nothing when the projection fails as a whole', async () => {
    const broken: Projection = {
      ...trails(),
      apply: async (_page, tx) => void (await tx.query('select * from no_such_table')),
    };
    const projector = await world.start([broken]);
    await world.mark('a', 1);
    await until(async () => expect(projector.health().waitingOn).toContain('no_such_table'));
    expect(await parkedStreams(world.pool, SCHEMA)).toEqual([]);
  });
});
