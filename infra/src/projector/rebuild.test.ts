import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Projection } from '@tidings/contracts/projection';
import { createLiveSchema } from './live-schema.ts';
import { parkedStreams } from './parking.ts';
import { projectionStatus, type InstanceStatus } from './status.ts';
import { openWorld, trails, type Poison, type World } from './test-kit.ts';
import { cutover, replay, retire, rollback, TransitionRefused } from './transitions.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

const until = (check: () => Promise<void>): Promise<void> => vi.waitFor(check, { timeout: 15_000, interval: 10 });
const statusOf = async (schemaName: string): Promise<InstanceStatus | undefined> =>
  (await projectionStatus(world.pool)).find((status) => status.schemaName === schemaName);
const becomes = (schemaName: string, state: string): Promise<void> =>
  until(async () => expect(await statusOf(schemaName)).toMatchObject({ state }));
const bothReach = (position: string): Promise<void> =>
  until(async () => {
    for (const schema of ['trails_v1_g1', 'trails_v1_g2']) expect(await world.checkpoint(schema)).toBe(position);
  });

/** Appends until told to stop; resolves with the number of marks and the last position. */
const writer = () => {
  let going = true;
  const done = (async () => {
    let marks = 0;
    let last = await world.mark('w0', marks);
    while (going) {
      marks += 1;
      last = await world.mark(`w${marks % 5}`, marks);
      await world.checkpoint('trails_v1_g1'); // a round trip, so that the projector gets its turn
    }
    return { marks, last };
  })();
  return async () => {
    going = false;
    return done;
  };
};

describe('a replay', () => {
  it('builds beside the live instance, is found equal, and is cut over and rolled back under writes', async () => {
    for (let mark = 0; mark < 200; mark += 1) await world.mark(`s${mark % 9}`, mark);
    await world.start([trails()], { settings: { replayPage: 50 } });
    const finish = writer();
    await replay(world.pool, trails());
    await becomes('trails_v1_g2', 'ready');
    expect((await statusOf('trails_v1_g2'))?.note).toBe('1 tables are equal row by row');

    await cutover(world.pool, 'trails');
    await becomes('trails_v1_g1', 'draining');
    await becomes('trails_v1_g2', 'live');
    await rollback(world.pool, 'trails');
    await becomes('trails_v1_g1', 'live');
    const { last } = await finish();
    await bothReach(last);
    expect(await world.trail('trails_v1_g2')).toEqual(await world.trail('trails_v1_g1'));

    await rollback(world.pool, 'trails'); // and forward again, the same way
    expect(await retire(world.pool, 'trails', 0)).toEqual(['trails_v1_g1']);
    await expect(world.trail('trails_v1_g1')).rejects.toThrow('does not exist');
    await until(async () => expect((await projectionStatus(world.pool)).map((status) => status.schemaName)).toEqual(['trails_v1_g2']));
  });

  it('shows its progress', async () => {
    for (let mark = 0; mark < 100; mark += 1) await world.mark('s', mark);
    await world.start([trails()]);
    await replay(world.pool, trails());
    await becomes('trails_v1_g2', 'ready');
    await until(async () =>
      expect((await statusOf('trails_v1_g2'))?.progress).toMatchObject({ done: 100, total: 100, percent: 100, etaSeconds: 0 }),
    );
  });

  it('that differs from the live instance does not become ready; cut-over takes force', async () => {
    await world.start([trails()]);
    const last = await world.mark('a', 1, 2);
    await until(async () => expect(await world.checkpoint('trails_v1_g1')).toBe(last));
    await world.pool.query(`update trails_v1_g1.trail set marks = 'damaged'`);
    await replay(world.pool, trails());
    await until(async () => expect((await statusOf('trails_v1_g2'))?.error).toBe('differs in trail (1 rows built, 1 live)'));
    await expect(cutover(world.pool, 'trails')).rejects.toBeInstanceOf(TransitionRefused);
    expect(await cutover(world.pool, 'trails', { force: true })).toMatchObject({ schemaName: 'trails_v1_g2', state: 'live' });
    expect(await world.trail('trails_v1_g2')).toEqual({ a: '1 2' });
  });

  it('is strict: it stops at poison, says where, and the next replay takes its place', async () => {
    const poison: Poison = new Set([666]);
    await world.mark('bad', 1, 666);
    await world.start([trails(poison)]);
    await until(async () => expect(await parkedStreams(world.pool, 'trails_v1_g1')).toHaveLength(1));
    await replay(world.pool, trails());
    await until(async () =>
      expect((await statusOf('trails_v1_g2'))?.error).toContain('cannot apply revision 1 of read-bad (position 0000000000000002)'),
    );
    poison.clear();
    await replay(world.pool, trails());
    await becomes('trails_v1_g3', 'ready');
    expect((await statusOf('trails_v1_g3'))?.note).toBe('not compared: 1 streams of the live one are parked');
    expect(await statusOf('trails_v1_g2')).toBeUndefined();
  });

  it('is refused while another runs, unless it is to begin again', async () => {
    const first = await world.start([trails()]);
    await first.stop();
    await replay(world.pool, trails());
    await expect(replay(world.pool, trails())).rejects.toThrow('is building already');
    expect(await replay(world.pool, trails(), { restart: true })).toMatchObject({ schemaName: 'trails_v1_g3' });
  });

  it('goes on when the process that built it halts, and the halted one cannot commit any more', async () => {
    for (let mark = 0; mark < 100; mark += 1) await world.mark(`s${mark % 3}`, mark);
    let pages = 0;
    const revival = Promise.withResolvers<void>();
    const stopping: Projection = {
      ...trails(),
      apply: async (page, tx) => {
        pages += 1;
        if (tx.schema.includes('g2') && pages > 3) await revival.promise; // as a process that was halted
        await trails().apply(page, tx);
      },
    };
    const settings = { replayPage: 10, ttlMs: 200, heartbeatMs: 100_000 };
    const first = await world.start([trails()], { settings });
    await until(async () => expect(await world.checkpoint('trails_v1_g1')).toBe('0000000000000100'));
    await first.stop();
    await replay(world.pool, trails());
    await world.start([stopping], { settings });
    await until(async () => expect(pages).toBeGreaterThan(3));
    await world.start([trails()], { settings });
    await becomes('trails_v1_g2', 'ready');
    revival.resolve(); // its page is fenced off
    await bothReach(await world.mark('s', 1));
    expect(await world.trail('trails_v1_g2')).toEqual(await world.trail('trails_v1_g1'));
  });
});

describe('a new version', () => {
  it('is built beside the live one and takes over by itself when the code of the old one is gone', async () => {
    const first = await world.start([trails()]);
    const last = await world.mark('a', 1);
    await until(async () => expect(await world.checkpoint('trails_v1_g1')).toBe(last));
    await first.stop();
    const live = await createLiveSchema(world.pool, world.signals, 20);
    expect(live.schemaOf('trails')).toBe('"trails_v1_g1"');
    await world.start([trails(new Set(), 2)]);
    await until(async () => expect(live.schemaOf('trails')).toBe('"trails_v2_g1"'));
    expect(await world.trail('trails_v2_g1')).toEqual({ a: '1' });
    live.close();
  });

  it('of another shape is built beside the old one under writes, cut over, rolled back, and cut over for good', async () => {
    for (let mark = 0; mark < 200; mark += 1) await world.mark(`s${mark % 9}`, mark);
    const old = trails();
    /** The same marks in tables of another shape: one row for each. */
    const reshaped: Projection = {
      ...old,
      version: 2,
      tables: (schema) =>
        `create table ${schema}.mark (stream text collate "C", at bigint generated always as identity, mark bigint not null)`,
      indexes: (schema) => `create index mark_of_stream on ${schema}.mark (stream, at)`,
      apply: async (page, tx) => {
        const marks = page.flatMap((event) => (event.type === 'RoomRead' ? [{ stream: event.stream, mark: event.data.upToSeq }] : []));
        await tx.query(`insert into ${tx.schema}.mark (stream, mark) select * from unnest($1::text[], $2::bigint[])`, [
          marks.map(({ stream }) => stream),
          marks.map(({ mark }) => mark),
        ]);
      },
    };
    // As nodes of the old and of the new version side by side.
    await world.start([old]);
    await becomes('trails_v1_g1', 'live');
    const finish = writer();
    await world.start([old, reshaped], { settings: { replayPage: 20 } });
    await becomes('trails_v2_g1', 'ready');
    expect(await statusOf('trails_v2_g1')).toMatchObject({ note: expect.stringContaining('the live one is version 1') as unknown });
    expect((await statusOf('trails_v2_g1'))?.progress?.percent).toBeGreaterThan(0);

    const live = await createLiveSchema(world.pool, world.signals, 20);
    const serves = (schema: string): Promise<void> => until(async () => expect(live.schemaOf('trails')).toBe(`"${schema}"`));
    await cutover(world.pool, 'trails');
    await serves('trails_v2_g1');
    await rollback(world.pool, 'trails');
    await serves('trails_v1_g1');
    await rollback(world.pool, 'trails'); // back once more is forth again
    await serves('trails_v2_g1');
    live.close();

    const { last } = await finish();
    for (const schema of ['trails_v1_g1', 'trails_v2_g1']) await until(async () => expect(await world.checkpoint(schema)).toBe(last));
    const { rows } = await world.pool.query<{ stream: string; marks: string }>(
      `select stream, string_agg(mark::text, ' ' order by at) marks from trails_v2_g1.mark group by stream`,
    );
    expect(Object.fromEntries(rows.map(({ stream, marks }) => [stream.replace(/^.*-/, ''), marks]))).toEqual(
      Object.fromEntries(Object.entries(await world.trail('trails_v1_g1')).map(([stream, marks]) => [stream.replace(/^.*-/, ''), marks])),
    );
    expect(await retire(world.pool, 'trails', 0)).toEqual(['trails_v1_g1']);
  });

  it('waits for the operator while both versions run', async () => {
    await world.mark('a', 1);
    const first = await world.start([trails()]);
    await first.stop();
    const live = await createLiveSchema(world.pool, world.signals, 20);
    expect(live.changing()).toEqual([]);
    await world.start([trails(), trails(new Set(), 2)]);
    await becomes('trails_v2_g1', 'ready');
    expect(await statusOf('trails_v1_g1')).toMatchObject({ state: 'live' });
    await until(async () => expect(live.changing()).toEqual(['trails']));
    live.close();
  });
});
