import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Position } from '@tidings/contracts/ports/event-log';
import type { Signals } from '@tidings/contracts/ports/signals';
import { createPositionFeed } from './announce.ts';
import { createFreshness, type Freshness } from './freshness.ts';
import { createLiveSchema, ProjectionUnavailable, type LiveInstances } from './live-schema.ts';
import { bystander, openWorld, trails, type World } from './test-kit.ts';

let world: World;
let live: LiveInstances;
let freshness: Freshness;
const names = ['trails', 'bystander'];
const deaf: Signals = { publish: () => undefined, subscribe: () => () => undefined, close: () => Promise.resolve() };

beforeEach(async () => {
  world = await openWorld();
  live = await createLiveSchema(world.pool, world.signals, 20);
});
afterEach(async () => {
  await freshness.close();
  live.close();
  await world.close();
});

const shown = async (position: Position): Promise<string | undefined> =>
  (await freshness.waitFor(position, names, 5_000)) ? (await world.trail('trails_v1_g1'))['a'] : 'not in time';

describe.each([
  ['signals', () => createFreshness({ pool: world.pool, live, signals: world.signals }), () => ({})],
  ['checkpoints alone', () => createFreshness({ pool: world.pool, live, signals: deaf }), () => ({})],
])('freshness by %s', (_name, open) => {
  it('waits until the row can be read', async () => {
    freshness = open();
    await world.start([trails(), bystander]);
    await live.refresh();
    for (let mark = 1; mark <= 20; mark += 1) {
      const position = await world.mark('a', mark);
      expect(await shown(position)).toBe(Array.from({ length: mark }, (_, at) => at + 1).join(' '));
    }
  });
});

describe('freshness', () => {
  it('hears the projector of its own process without signals', async () => {
    const feed = createPositionFeed();
    const queries = vi.spyOn(world.pool, 'query');
    freshness = createFreshness({ pool: world.pool, live, signals: deaf, feed });
    await world.start([trails(), bystander], { feed, signals: deaf });
    await live.refresh();
    expect(await shown(await world.mark('a', 1))).toBe('1');
    queries.mockRestore();
  });

  it('gives up when the budget is spent, and knows nothing of a projection that is not there', async () => {
    freshness = createFreshness({ pool: world.pool, live, signals: world.signals });
    expect(await freshness.waitFor('0000000000000001' as Position, ['trails'], 30)).toBe(false);
    expect(() => live.schemaOf('trails')).toThrow(ProjectionUnavailable);
  });

  it('serves many waiters with few polls', async () => {
    freshness = createFreshness({ pool: world.pool, live, signals: deaf });
    await world.start([trails(), bystander]);
    await live.refresh();
    const queries = vi.spyOn(world.pool, 'query');
    const polls = (): number => queries.mock.calls.filter(([text]) => text.includes('from projection.checkpoint where shard')).length;
    const position = await world.mark('a', 1, 2);
    const waits = Array.from({ length: 500 }, () => freshness.waitFor(position, names, 5_000));
    expect(await Promise.all(waits)).toEqual(Array.from({ length: 500 }, () => true));
    expect(polls()).toBeLessThan(20);
    queries.mockRestore();
  });

  it('trusts nothing it remembers of a Postgres that broke off, which may have lost its last commits', async () => {
    const feed = createPositionFeed();
    freshness = createFreshness({ pool: world.pool, live, signals: world.signals, feed });
    const projector = await world.start([trails(), bystander], { feed });
    await live.refresh();
    const position = await world.mark('a', 1);
    expect(await shown(position)).toBe('1');
    await projector.stop();
    await world.pool.query(`update projection.checkpoint set position = '0000000000000000'`);
    const broke = once(world.pool, 'error');
    await world.endConnections();
    await broke;
    // Told before the end, heard behind it.
    feed.emit('trails_v1_g1', position);
    feed.emit('bystander_v1_g1', position);
    expect(await freshness.waitFor(position, names, 100)).toBe(false);
    await world.pool.query(`update projection.checkpoint set position = $1`, [position]);
    expect(await freshness.waitFor(position, names, 5_000)).toBe(true);
  });

  it('trusts no answer that was on its way as Postgres broke off', async () => {
    freshness = createFreshness({ pool: world.pool, live, signals: deaf });
    const projector = await world.start([trails(), bystander]);
    await live.refresh();
    const position = await world.mark('a', 1);
    await vi.waitFor(async () => {
      for (const name of names) expect(await world.checkpoint(`${name}_v1_g1`)).toBe(position);
    });
    await projector.stop();
    const { rows } = await world.pool.query('select name, position from projection.checkpoint where shard = 0');
    await world.pool.query(`update projection.checkpoint set position = '0000000000000000'`);
    const breakAsItAnswers = (): unknown => {
      world.pool.emit('error', new Error('it broke off'));
      return Promise.resolve({ rows });
    };
    vi.spyOn(world.pool, 'query').mockImplementationOnce(breakAsItAnswers);
    expect(await freshness.waitFor(position, names, 100)).toBe(false);
  });

  it('remembers what it heard while others ask the database', async () => {
    const feed = createPositionFeed();
    freshness = createFreshness({ pool: world.pool, live, signals: deaf, feed });
    await world.start([trails(), bystander], { feed, signals: deaf });
    await live.refresh();
    const position = await world.mark('a', 1);
    expect(await shown(position)).toBe('1');
    await world.pool.query('select 1');
    expect(await freshness.waitFor(position, names, 0)).toBe(true);
  });
});
