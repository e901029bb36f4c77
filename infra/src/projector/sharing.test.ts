import type { Projection } from '@tidings/contracts/projection';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Projector } from './projector.ts';
import { fairShare, surplusOf, type Worker } from './sharing.ts';
import { openWorld, trails, type World } from './test-kit.ts';

const worker = (owner: string, held: number, instances: readonly string[]): Worker => ({ owner, held, instances });
const abc = ['a', 'b', 'c', 'd', 'e'];

describe('a fair share', () => {
  it('is what there is by the number of processes, rounded up', () => {
    expect(fairShare(abc, [])).toBe(5);
    expect(fairShare(abc, [worker('two', 0, abc)])).toBe(3);
    expect(fairShare(abc, [worker('two', 0, ['a', 'f']), worker('three', 0, abc)])).toBe(2);
  });
});

describe('what is beyond it', () => {
  it('goes to those who have room', () => {
    expect(surplusOf(abc, [worker('two', 0, abc)], 3)).toEqual(['b', 'd']);
    expect(surplusOf(abc, [worker('two', 2, abc)], 3)).toEqual(['b']);
    expect(surplusOf(abc, [worker('two', 1, abc), worker('three', 1, abc)], 2)).toEqual(['b', 'd']);
  });

  it('stays where nobody else has room, or the code', () => {
    expect(surplusOf(abc, [worker('two', 3, abc)], 3)).toEqual([]);
    expect(surplusOf(abc, [worker('older', 0, ['e'])], 3)).toEqual(['e']);
  });

  it('is nothing within the share', () => {
    expect(surplusOf(['a', 'b'], [worker('two', 0, abc)], 3)).toEqual([]);
  });
});

describe('projectors', () => {
  const soon = { timeout: 15_000, interval: 20 };
  const ALL = ['p0', 'p1', 'p2', 'p3', 'p4'].map((name) => trails(new Set(), 1, name));
  let world: World;
  beforeEach(async () => {
    world = await openWorld();
  });
  afterEach(() => world.close());

  const held = (projector: Projector): readonly string[] =>
    Object.entries(projector.health().detail)
      .filter(([, detail]) => !['starting', 'not-owner'].includes((detail as { readonly state: string }).state))
      .map(([name]) => name);
  const holds = (projector: Projector, count: number): Promise<void> => vi.waitFor(() => expect(held(projector)).toHaveLength(count), soon);
  const rebalances = async (metrics: Registry): Promise<Readonly<Record<string, number>>> => {
    const counted = await metrics.getSingleMetric('tidings_projection_rebalances_total')?.get();
    const ways = counted?.values.map(({ labels, value }) => [String(labels['way']), value] as const) ?? [];
    return Object.fromEntries(
      ['taken', 'given'].map((way) => [way, ways.filter(([one]) => one === way).reduce((sum, [, n]) => sum + n, 0)]),
    );
  };
  /** Every projection has applied each mark once, in order. */
  const expectTrails = async (projections: readonly Projection[], marks: string): Promise<void> => {
    for (const { name } of projections) expect(await world.trail(`${name}_v1_g1`)).toEqual({ a: marks });
  };

  it('share what there is: the first gives up, all go on, and who stays has it all again', async () => {
    const metrics = new Registry();
    const first = await world.start(ALL, { metrics });
    await holds(first, 5);
    await world.mark('a', 1);
    const second = await world.start(ALL);
    await Promise.all([holds(first, 3), holds(second, 2)]);
    expect(new Set([...held(first), ...held(second)]).size).toBe(5);
    expect(await rebalances(metrics)).toEqual({ taken: 5, given: 2 });
    const third = await world.start(ALL);
    await vi.waitFor(() => expect([first, second, third].map((one) => held(one).length).toSorted()).toEqual([1, 2, 2]), soon);
    await world.mark('a', 2, 3);
    await second.stop();
    await third.stop();
    await holds(first, 5);
    const last = await world.mark('a', 4);
    for (const { name } of ALL) await vi.waitFor(async () => expect(await world.checkpoint(`${name}_v1_g1`)).toBe(last), soon);
    await expectTrails(ALL, '1 2 3 4');
  });

  it('keep what the other has no code for, and take what nobody else does', async () => {
    const [p0, ...others] = ALL as [Projection, ...Projection[]];
    const newer = await world.start(ALL);
    await holds(newer, 5);
    const older = await world.start([p0]);
    await holds(older, 1);
    await holds(newer, 4);
    const last = await world.mark('a', 1);
    for (const { name } of others) await vi.waitFor(async () => expect(await world.checkpoint(`${name}_v1_g1`)).toBe(last), soon);
    await newer.stop();
    const back = await world.start(ALL);
    // Its share is three; the fourth is nobody's, until it has waited for others.
    await holds(back, 4);
  });
});
