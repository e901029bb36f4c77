/**
 * How far each shard is, as far as this process knows: from its own appends at once, from hints of others, and, while somebody waits, by
 * polling the head rows. Hints may be lost or wrong; the poll is the truth. Hints say what types were appended, so that those who wait for mail
 * sleep while people chat.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { createWaiters } from '../waiters.ts';

export interface HeadWatch {
  /** The head is at least here, and what was appended since the last hint is of these types; without them it may be anything. */
  learn(shard: number, position: number, types?: readonly string[]): void;
  /** What is claimed for a shard; give it to `disprove` when a read that began afterwards ended below it. */
  claimed(shard: number): number;
  disprove(shard: number, claimed: number, actual: number): void;
  /**
   * Resolves when the head may be behind `position`, or on abort. With `types`, when one of them may stand there: at once where a hint told of it, and
   * about a second late where the hint was lost or wrong.
   */
  waitBehind(shard: number, position: number, signal: AbortSignal, types?: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

export interface PollPace {
  /** After a poll found what no hint had told. */
  readonly hotMs: number;
  /** What the pause grows to while nothing moves. */
  readonly idleMs: number;
}

const SLOWING = 1.5;
/** While the head moves and hints tell of it: a few times `hotMs`. */
const TOLD_PACE = 4;
/** However hints are: what was polled so long ago may hold any type. */
const DOUBT_MS = 1_000;

export const createHeadWatch = (
  poll: () => Promise<ReadonlyMap<number, number>>,
  pace: PollPace,
  logger: Logger | undefined,
): HeadWatch => {
  const shards = new Map<number, ShardHead>();
  const waiters = createWaiters();
  const closing = new AbortController();
  let waiting = 0;
  let polling = false;
  let poller = Promise.resolve();

  const of = (shard: number): ShardHead => {
    const known = shards.get(shard) ?? createShardHead();
    shards.set(shard, known);
    return known;
  };

  const nextPause = async (pause: number): Promise<number> => {
    const found = [...(await poll())].map(([shard, position]) => {
      const seen = of(shard).poll(position, performance.now());
      waiters.wake(shard);
      return seen;
    });
    if (found.includes('untold')) return pace.hotMs;
    return Math.min(pause * SLOWING, found.includes('moved') ? Math.min(pace.hotMs * TOLD_PACE, pace.idleMs) : pace.idleMs);
  };

  const pollWhileWaiting = async (): Promise<void> => {
    polling = true;
    let pause = pace.hotMs;
    let failing = false;
    while (waiting > 0 && !closing.signal.aborted) {
      await delay(pause * (0.9 + Math.random() * 0.2), undefined, { signal: closing.signal }).catch(() => undefined);
      if (closing.signal.aborted) break;
      try {
        pause = await nextPause(pause);
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
    learn: (shard, position, types) => {
      of(shard).hint(position, types);
      waiters.wake(shard);
    },
    claimed: (shard) => of(shard).claimed(),
    disprove: (shard, claim, actual) => of(shard).disprove(claim, actual),
    waitBehind: async (shard, position, signal, types) => {
      waiting += 1;
      if (!polling) poller = pollWhileWaiting();
      try {
        const head = of(shard);
        await waiters.wait(shard, () => head.claimed(types) > position, AbortSignal.any([signal, closing.signal]));
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

interface ShardHead {
  hint(position: number, types?: readonly string[]): void;
  /** `untold`: since the last poll no hint came for what that one saw. `moved`: behind what is known, and a hint may be on its way. */
  poll(position: number, now: number): 'still' | 'moved' | 'untold';
  /** Up to where there is something, or something of these types, as far as is known. */
  claimed(types?: readonly string[]): number;
  disprove(claim: number, actual: number): void;
}

const createShardHead = (): ShardHead => {
  let head = 0;
  /** The furthest hint below a claim that may be wrong. */
  let below = 0;
  /** Any type may stand up to here. */
  let anything = 0;
  const byType = new Map<string, number>();
  let hinted = 0;
  let polled = 0;
  let doubted = { position: 0, at: 0 };

  return {
    hint: (position, types) => {
      if (position > head) head = position;
      else below = Math.max(below, position);
      hinted = Math.max(hinted, position);
      if (types === undefined) anything = Math.max(anything, position);
      for (const type of types ?? []) byType.set(type, Math.max(byType.get(type) ?? 0, position));
    },
    poll: (position, now) => {
      const untold = hinted < polled;
      if (untold) {
        anything = Math.max(anything, polled);
        hinted = polled;
      }
      if (now - doubted.at >= DOUBT_MS) {
        anything = Math.max(anything, doubted.position);
        doubted = { position, at: now };
      }
      const moved = position > polled;
      polled = position;
      head = Math.max(head, position);
      return untold ? 'untold' : moved ? 'moved' : 'still';
    },
    claimed: (types) =>
      types === undefined
        ? head
        : Math.min(
            head,
            types.reduce((far, type) => Math.max(far, byType.get(type) ?? 0), anything),
          ),
    disprove: (claim, actual) => {
      if (head !== claim || actual >= claim) return;
      // A true hint may have come meanwhile, which the wrong one hid; if that is wrong too, the next read says so.
      head = Math.max(actual, below < claim ? below : 0);
      below = 0;
      hinted = Math.min(hinted, head);
      anything = Math.min(anything, head);
      for (const [type, position] of byType) if (position > head) byType.delete(type);
    },
  };
};
