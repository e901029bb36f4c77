import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Position } from '@tidings/contracts/ports/event-log';
import { createCheckpoints } from './checkpoints.ts';
import { createLeases, Fenced, type Lease, type Leases } from './lease.ts';
import { openWorld, type World } from './test-kit.ts';

let world: World;
let leases: Leases;
beforeEach(async () => {
  world = await openWorld();
  leases = createLeases(world.pool, { ttlMs: 60_000, heartbeatMs: 60_000, owner: 'here:1:x' });
});
afterEach(async () => {
  leases.close();
  await world.close();
});

const at = (position: number): Position => String(position).padStart(16, '0') as Position;
const take = async (name: string): Promise<Lease> => {
  const taken = await leases.acquire(name, 0);
  if ('heldBy' in taken) throw new Error(`held by ${taken.heldBy}`);
  return taken;
};
/** Of the transaction that last moved it. */
const writerOf = async (name: string): Promise<string | undefined> => {
  const { rows } = await world.pool.query<{ by: string }>('select xmin::text as by from projection.checkpoint where name = $1', [name]);
  return rows[0]?.by;
};

describe('checkpoints of projections that were passed by', () => {
  it('move together in one transaction', async () => {
    const checkpoints = createCheckpoints(world.pool);
    const names = ['c', 'a', 'b'];
    const held = await Promise.all(names.map(take));
    await Promise.all(held.map((lease) => checkpoints.pass({ lease, from: at(0), to: at(7) })));
    expect(await Promise.all(names.map((name) => world.checkpoint(name)))).toEqual([at(7), at(7), at(7)]);
    expect(new Set(await Promise.all(names.map(writerOf))).size).toBe(1);
  });

  it('are refused one by one: who lost its lease keeps nobody else', async () => {
    const checkpoints = createCheckpoints(world.pool);
    const [lost, kept] = [await take('a'), await take('b')];
    const outcomes = await Promise.allSettled([
      checkpoints.pass({ lease: { ...lost, token: lost.token - 1 }, from: at(0), to: at(3) }),
      checkpoints.pass({ lease: kept, from: at(0), to: at(3) }),
      checkpoints.pass({ lease: { ...kept, name: 'nobody' }, from: at(0), to: at(3) }),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected']);
    expect(outcomes[0]).toMatchObject({ reason: expect.any(Fenced) });
    expect([await world.checkpoint('a'), await world.checkpoint('b')]).toEqual([at(0), at(3)]);
  });
});
