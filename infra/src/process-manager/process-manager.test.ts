/** What process managers can rely on, whatever goes wrong. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Recorded } from '@tidings/contracts/events/index';
import type { EventLog, Position } from '@tidings/contracts/ports/event-log';
import { openWorld, quiet, type World } from '../projector/test-kit.ts';
import { followLog, logPages } from './follow-log.ts';
import { startProcessManager, type ProcessManager, type ProcessManagerParts, type Turn } from './process-manager.ts';

let world: World;
const running: ProcessManager[] = [];
beforeEach(async () => {
  world = await openWorld();
  await world.pool.query('create table done (mark integer primary key)');
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()));
  await world.close();
});

const start = (parts: Partial<ProcessManagerParts> & Pick<ProcessManagerParts, 'follow'>): ProcessManager => {
  const lease = { ttlMs: 400, heartbeatMs: 20 };
  const one = startProcessManager({ name: 'clerk', shards: [0], pool: world.pool, logger: quiet, now: Date.now, lease, ...parts });
  running.push(one);
  return one;
};
const acting = (onEvent: (event: Recorded) => Promise<void>) =>
  followLog({ log: world.log, events: world.events, logger: quiet, types: ['RoomRead'], onEvent });
const markOf = (event: Recorded): number => (event.type === 'RoomRead' ? event.data.upToSeq : 0);
const checkpoint = (): Promise<Position | undefined> => world.checkpoint('clerk');

describe('a process manager', () => {
  it('acts on each event in order, and moves its checkpoint behind them', async () => {
    const acted: number[] = [];
    const clerk = start({ follow: acting(async (event) => void acted.push(markOf(event))) });
    await world.mark('a', 1, 2);
    const end = await world.mark('b', 3);
    await expect.poll(checkpoint, { interval: 5 }).toBe(end);
    expect(acted).toEqual([1, 2, 3]);
    await expect.poll(() => clerk.health(), { interval: 5 }).toMatchObject({ state: 'idle', waitingOn: null });
  });

  it('works at lanes side by side, at each in order, and moves its checkpoint up to the oldest event that is not done', async () => {
    const before = await world.mark('quick', 0);
    await world.mark('slow', 1, 2);
    await world.mark('quick', 3);
    const acted: number[] = [];
    const held = Promise.withResolvers<void>();
    const onEvent = async (event: Recorded): Promise<void> => {
      if (markOf(event) === 1) await held.promise;
      acted.push(markOf(event));
    };
    const laneOf = ({ stream }: Recorded): string => stream;
    start({ follow: followLog({ log: world.log, events: world.events, logger: quiet, types: ['RoomRead'], onEvent, laneOf, atOnce: 2 }) });
    await expect.poll(() => acted, { interval: 5 }).toEqual([0, 3]);
    const end = await world.mark('late', 4);
    await expect.poll(() => acted, { interval: 5 }).toEqual([0, 3, 4]); // also what came after it had begun
    await expect.poll(checkpoint, { interval: 5 }).toBe(before);
    held.resolve();
    await expect.poll(checkpoint, { interval: 5 }).toBe(end);
    expect(acted).toEqual([0, 3, 4, 1, 2]);
  });

  it('gives all lanes their turn, and takes more events only as others are done', async () => {
    const acted: number[] = [];
    await world.mark('flood', 1, 2, 3);
    await world.mark('calm', 4);
    for (let n = 0; n < 3; n += 1) await world.mark('flood', ...Array.from({ length: 400 }, () => 5));
    const end = await world.mark('late', 6);
    const onEvent = async (event: Recorded): Promise<void> => {
      await nextTurn(); // the others were taken meanwhile
      acted.push(markOf(event));
    };
    const laneOf = ({ stream }: Recorded): string => stream;
    start({ follow: followLog({ log: world.log, events: world.events, logger: quiet, types: ['RoomRead'], onEvent, laneOf, atOnce: 1 }) });
    await expect.poll(checkpoint, { interval: 5 }).toBe(end);
    expect(acted.slice(0, 4)).toEqual([1, 4, 2, 3]);
    expect(acted).toHaveLength(1_205);
  });

  it('after a failure, does again what was done behind what failed, and nothing of what came before', async () => {
    const acted: string[] = [];
    let isBroken = true;
    await world.mark('a', 1);
    await world.mark('b', 2);
    const end = await world.mark('c', 3);
    const onEvent = async (event: Recorded): Promise<void> => {
      if (markOf(event) === 2 && isBroken) {
        await expect.poll(() => acted.length, { interval: 1 }).toBe(2);
        isBroken = false;
        throw new Error('the printer is out of paper');
      }
      acted.push(event.stream.slice(-1));
    };
    const laneOf = ({ stream }: Recorded): string => stream;
    start({ follow: followLog({ log: world.log, events: world.events, logger: quiet, types: ['RoomRead'], onEvent, laneOf }) });
    await expect.poll(checkpoint, { interval: 5 }).toBe(end);
    expect(acted.join('')).toMatch(/^ac(bc|cb)$/);
  });

  it('starts over from its checkpoint after a failure, and says what it waits for', async () => {
    const end = await world.mark('a', 1, 2);
    const acted: number[] = [];
    let isBroken = true;
    const onFailure = vi.fn<() => void>();
    const clerk = start({
      onFailure,
      follow: acting(async (event) => {
        if (markOf(event) === 2 && isBroken) throw new Error('the printer is out of paper');
        acted.push(markOf(event));
      }),
    });
    await expect.poll(() => clerk.health().waitingOn, { interval: 2 }).toBe('the printer is out of paper');
    await expect.poll(() => onFailure.mock.calls.length, { interval: 5 }).toBeGreaterThan(1);
    isBroken = false;
    await expect.poll(checkpoint, { interval: 5 }).toBe(end);
    expect(acted.slice(-2)).toEqual([1, 2]);
    expect(clerk.health().waitingOn).toBe(null);
  });

  it('writes with its checkpoint or not at all', async () => {
    const end = await world.mark('a', 1);
    let isBroken = true;
    start({
      follow: async (turn) => {
        for await (const { page } of logPages({ log: world.log, types: ['RoomRead'] }, turn, turn.signal)) {
          await turn.commit(page.next, async (client) => {
            await client.query('insert into done values (1)');
            if (isBroken) {
              isBroken = false;
              throw new Error('not yet');
            }
          });
        }
      },
    });
    await expect.poll(checkpoint, { interval: 5 }).toBe(end);
    expect((await world.pool.query('select mark from done')).rows).toEqual([{ mark: 1 }]);
  });

  it('is one of several nodes; another goes on when it stops', async () => {
    const acted: string[] = [];
    const node = (name: string): ProcessManager => start({ follow: acting(async (event) => void acted.push(`${name} ${markOf(event)}`)) });
    const one = node('one');
    await expect.poll(() => one.health().state, { interval: 5 }).toBe('idle');
    const two = node('two');
    await expect.poll(() => two.health().state, { interval: 5 }).toBe('not-owner');
    await expect.poll(checkpoint).toBe(await world.mark('a', 1));
    await one.stop();
    await expect.poll(checkpoint, { timeout: 5_000 }).toBe(await world.mark('a', 2));
    expect(acted).toEqual(['one 1', 'two 2']);
  });

  it('ends its turn when the lease is lost, and cannot commit any more', async () => {
    const turns: Turn[] = [];
    start({
      follow: async (turn) => {
        turns.push(turn);
        await new Promise((resolve) => turn.signal.addEventListener('abort', resolve));
      },
    });
    await expect.poll(() => turns.length, { interval: 5 }).toBe(1);
    await world.pool.query(
      `update projection.lease set owner = 'elsewhere:1:x:y', token = token + 1; update projection.checkpoint set lease_token = lease_token + 1`,
    );
    await expect.poll(() => turns[0]?.signal.aborted, { interval: 5 }).toBe(true);
    await expect(turns[0]?.commit(turns[0].position)).rejects.toThrow(expect.objectContaining({ name: 'Fenced' }));
  });

  it('does again, though nothing else comes, what a crash of the database lost; a connection that merely broke changes nothing', async () => {
    const acted: number[] = [];
    let turns = 0;
    const follow = acting(async (event) => void acted.push(markOf(event)));
    start({
      follow: (turn) => {
        turns += 1;
        return follow(turn);
      },
    });
    const first = await world.mark('a', 1);
    await expect.poll(checkpoint, { interval: 5 }).toBe(first);
    const end = await world.mark('a', 2);
    await expect.poll(checkpoint, { interval: 5 }).toBe(end);
    const queries = vi.spyOn(world.pool, 'query');
    await world.endConnections();
    const looks = (): number => queries.mock.calls.filter(([text]) => text.startsWith('select position from')).length;
    await expect.poll(looks, { interval: 5 }).toBeGreaterThan(0);
    queries.mockRestore();
    await expect.poll(checkpoint, { interval: 5 }).toBe(await world.mark('a', 3));
    expect([turns, acted]).toEqual([1, [1, 2, 3]]);

    await world.pool.query(`update projection.checkpoint set position = $1`, [first]); // as after the crash
    await world.endConnections();
    await expect.poll(() => acted, { interval: 5 }).toEqual([1, 2, 3, 2, 3]);
    expect(turns).toBe(2);
  });

  it('is stuck when it works and does not get on for a minute', async () => {
    let now = 0;
    await world.mark('a', 1);
    const never = Promise.withResolvers<void>();
    const clerk = start({ now: () => now, follow: acting(() => never.promise) });
    await expect.poll(() => clerk.health().state, { interval: 5 }).toBe('working');
    now = 61_000;
    expect(clerk.health().state).toBe('stuck');
    never.resolve();
    await expect.poll(() => clerk.health().state, { interval: 5 }).toBe('idle');
  });
});

describe('pages of the log', () => {
  it('are due with events of interest, or when the checkpoint should follow', async () => {
    const passing = { events: [], next: '0000000000000001' as Position, atHead: false }; // as the Postgres log writes them
    const log: Pick<EventLog, 'tail'> = {
      tail: async function* tail() {
        yield passing;
        await new Promise((resolve) => setTimeout(resolve, 1_050));
        yield passing;
        yield passing;
      },
    };
    const due: boolean[] = [];
    const turn = { shard: 0, position: passing.next };
    for await (const one of logPages({ log, types: ['RoomRead'] }, turn, new AbortController().signal)) due.push(one.due);
    expect(due).toEqual([false, true, false]);
  });
});
