/**
 * How far each shard is, as far as this process knows: from its own appends at once, from hints of others, and, while somebody waits, by
 * polling the head rows. Hints may be lost or wrong; the poll is the truth.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { createWaiters } from '../waiters.ts';

export interface HeadWatch {
  /** The head is at least here. */
  learn(shard: number, position: number): void;
  /** What is claimed for a shard; give it to `disprove` when a read that began afterwards ended below it. */
  claimed(shard: number): number;
  disprove(shard: number, claimed: number, actual: number): void;
  /** Resolves when the head may be behind `position`, or on abort. */
  waitBehind(shard: number, position: number, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface PollPace {
  /** After the head moved. */
  readonly hotMs: number;
  /** What the pause grows to while nothing moves. */
  readonly idleMs: number;
}

const SLOWING = 1.5;

export const createHeadWatch = (
  poll: () => Promise<ReadonlyMap<number, number>>,
  pace: PollPace,
  logger: Logger | undefined,
): HeadWatch => {
  const heads = new Map<number, number>();
  const waiters = createWaiters();
  const closing = new AbortController();
  let waiting = 0;
  let polling = false;
  let poller = Promise.resolve();

  const claimed = (shard: number): number => heads.get(shard) ?? 0;
  const learn = (shard: number, position: number): boolean => {
    if (position <= claimed(shard)) return false;
    heads.set(shard, position);
    waiters.wake(shard);
    return true;
  };

  const pollWhileWaiting = async (): Promise<void> => {
    polling = true;
    let pause = pace.hotMs;
    let failing = false;
    while (waiting > 0 && !closing.signal.aborted) {
      await delay(pause * (0.9 + Math.random() * 0.2), undefined, { signal: closing.signal }).catch(() => undefined);
      if (closing.signal.aborted) break;
      try {
        const moved = [...(await poll())].filter(([shard, position]) => learn(shard, position)).length > 0;
        pause = moved ? pace.hotMs : Math.min(pause * SLOWING, pace.idleMs);
        failing = false;
      } catch (error) {
        if (!failing) logger?.warn({ err: error }, 'the head of the log cannot be read; trying on');
        failing = true;
        pause = pace.idleMs;
      }
    }
    polling = false; // in the same turn as the loop's last look at `waiting`, so that no waiter falls between
  };

  return {
    learn: (shard, position) => {
      learn(shard, position);
    },
    claimed,
    disprove: (shard, claim, actual) => {
      if (claimed(shard) === claim && actual < claim) heads.set(shard, actual);
    },
    waitBehind: async (shard, position, signal) => {
      waiting += 1;
      if (!polling) poller = pollWhileWaiting();
      try {
        await waiters.wait(shard, () => claimed(shard) > position, AbortSignal.any([signal, closing.signal]));
      } finally {
        waiting -= 1;
      }
    },
    close: async () => {
      closing.abort();
      await poller;
    },
  };
};
