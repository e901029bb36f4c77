import { hostname } from 'node:os';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Position } from '@tidings/contracts/ports/event-log';
import type { Pool } from 'pg';
import { advanceAndCommit, createLeases, Fenced, type Lease, type Leases } from './lease.ts';
import { withClient } from './session.ts';
import { openWorld, trails, type World } from './test-kit.ts';

const soon = { timeout: 15_000, interval: 20 };

let world: World;
const opened: Leases[] = [];
beforeEach(async () => {
  world = await openWorld();
});
afterEach(async () => {
  for (const leases of opened.splice(0)) leases.close();
  await world.close();
});

const leasesOf = (
  owner: string,
  { pool = world.pool, ...options }: { pool?: Pool; ttlMs?: number; heartbeatMs?: number; onLost?: (lease: Lease) => void } = {},
): Leases => {
  const leases = createLeases(pool, { ttlMs: 60_000, heartbeatMs: 60_000, ...options, owner });
  opened.push(leases);
  return leases;
};
const take = async (leases: Leases): Promise<Lease> => {
  const taken = await leases.acquire('p', 0);
  if ('heldBy' in taken) throw new Error(`held by ${taken.heldBy}`);
  return taken;
};
const advance = (lease: Lease, from: number, to: number): Promise<void> =>
  withClient(world.pool, async (client) => {
    await client.query('begin');
    await advanceAndCommit(client, lease, at(from), at(to));
  });
const at = (position: number): Position => String(position).padStart(16, '0') as Position;

describe('leases', () => {
  it('have one owner until they run out or are given back', async () => {
    const [one, two] = [leasesOf('here:1:x'), leasesOf('there:2:y')];
    const lease = await take(one);
    expect(await two.acquire('p', 0)).toEqual({ heldBy: 'here:1:x' });
    await advance(lease, 0, 5);
    await one.release(lease);
    expect(await take(two)).toMatchObject({ position: at(5), token: lease.token + 1 });
  });

  it('fence an owner that slept through its expiry', async () => {
    const slow = await take(leasesOf('here:1:x', { ttlMs: 1 }));
    await vi.waitFor(() => take(leasesOf('there:2:y')), soon);
    await expect(advance(slow, 0, 5)).rejects.toBeInstanceOf(Fenced);
    expect(await world.checkpoint('p')).toBe(at(0));
  });

  it('refuse a commit that starts elsewhere than the checkpoint stands', async () => {
    const lease = await take(leasesOf('here:1:x'));
    await advance(lease, 0, 5);
    await expect(advance(lease, 4, 6)).rejects.toBeInstanceOf(Fenced);
  });

  it('are renewed by the heartbeat, and their loss is told', async () => {
    const lost = vi.fn<(lease: Lease) => void>();
    const lease = await take(leasesOf('here:1:x', { ttlMs: 300, heartbeatMs: 20, onLost: lost }));
    const expiry = async (): Promise<string> =>
      (await world.pool.query<{ expires_at: string }>('select expires_at from projection.lease')).rows[0]?.expires_at ?? '';
    const first = await expiry();
    await vi.waitFor(async () => expect((await expiry()) > first).toBe(true), soon);
    await world.pool.query(`update projection.lease set owner = 'other', token = token + 1`);
    await vi.waitFor(() => expect(lost).toHaveBeenCalledExactlyOnceWith(lease), soon);
  });

  it('stay given back when a beat that was under way comes after', async () => {
    const beating = Promise.withResolvers<void>();
    const given = Promise.withResolvers<void>();
    const beaten = Promise.withResolvers<void>();
    // The beat got a connection that takes its time.
    const pool: Pool = Object.create(world.pool, {
      query: {
        value: async (text: string, values: unknown[]) => {
          if (!text.includes('unnest')) return world.pool.query(text, values);
          beating.resolve();
          await given.promise;
          return world.pool.query(text, values).finally(beaten.resolve);
        },
      },
    });
    const one = leasesOf('here:1:x', { pool, heartbeatMs: 5 });
    const lease = await take(one);
    await beating.promise;
    await one.release(lease);
    given.resolve();
    await beaten.promise;
    expect(await take(leasesOf('there:2:y'))).toMatchObject({ token: lease.token + 1 });
  });

  it('of a process of this host that is gone are free at once', async () => {
    // 2^22 is the highest pid Linux gives; no process has this one.
    const left = await take(leasesOf(`${hostname()}:4194305:x`));
    expect(await take(leasesOf('there:2:y'))).toMatchObject({ token: left.token + 1 });
  });
});

describe('two projectors', () => {
  it('share the work by leases; the second takes over where the first was', async () => {
    const first = await world.start([trails()]);
    await vi.waitFor(() => expect(first.health().state).toBe('idle'), soon);
    const second = await world.start([trails()]);
    await vi.waitFor(() => expect(second.health().state).toBe('not-owner'), soon);
    await world.mark('a', 1, 2);
    await first.stop();
    const last = await world.mark('a', 3);
    await vi.waitFor(async () => expect(await world.checkpoint('trails_v1_g1')).toBe(last), soon);
    expect(second.health().state).not.toBe('not-owner');
    expect(await world.trail('trails_v1_g1')).toEqual({ a: '1 2 3' });
  });

  it('never both commit: a stolen lease rolls the page of the former owner back', async () => {
    const slow = trails();
    let stolen = false;
    await world.start([
      {
        ...slow,
        apply: async (page, tx) => {
          await slow.apply(page, tx);
          if (stolen) return;
          stolen = true;
          await world.pool.query(`update projection.lease set owner = 'thief', token = token + 1, expires_at = now() + interval '300 ms'`);
          await world.pool.query('update projection.checkpoint set lease_token = lease_token + 1');
        },
      },
    ]);
    const last = await world.mark('a', 1, 2);
    await vi.waitFor(async () => expect(await world.checkpoint('trails_v1_g1')).toBe(last), { timeout: 5_000 });
    expect(await world.trail('trails_v1_g1')).toEqual({ a: '1 2' });
  });
});
