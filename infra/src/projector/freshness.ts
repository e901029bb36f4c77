/** Read-your-writes: knows how far the live projections are, and waits for them (architecture §4). */
import type { Position } from '@tidings/contracts/ports/event-log';
import type { Signals } from '@tidings/contracts/ports/signals';
import type { Pool } from 'pg';
import { onLoss } from '../postgres/losses.ts';
import { parseAnnouncement, type PositionFeed } from './announce.ts';
import type { LiveInstances } from './live-schema.ts';

export interface Freshness {
  /** Resolves when each named live projection has applied `position`; false when the budget (ms) ran out. */
  waitFor(position: Position, projections: readonly string[], budgetMs: number): Promise<boolean>;
  close(): Promise<void>;
}

interface Waiter {
  readonly position: Position;
  readonly projections: readonly string[];
  readonly deadline: number;
  readonly settle: (fresh: boolean) => void;
  polls: number;
  pollAt: number;
}

/** When a waiter that no announcement reached asks the database, in ms after the last time; the last one repeats. */
const POLL_AFTER_MS = [5, 15, 30];
/** While announcements do arrive, the poll is only the safety net: a waiter's first one comes this much later. */
const HEARD_MS = 200;

/** Waiters due within this time share a poll. */
const SHARED_POLL_MS = 4;

/**
 * Three sources, quickest first: announcements within the process, signals of other processes, and the checkpoints themselves. One
 * poll serves all waiters. Positions are those of shard 0 (a `Position` does not carry its shard; one shard is the default).
 */
export const createFreshness = (deps: {
  readonly pool: Pool;
  readonly live: Pick<LiveInstances, 'instanceOf'>;
  readonly signals: Signals;
  readonly feed?: PositionFeed;
}): Freshness => {
  const { pool, live, signals } = deps;
  /** By schema name. Never ahead of what is committed. */
  const known = new Map<string, Position>();
  /** Connections that broke. */
  let losses = 0;
  /** Since one broke: what was announced before may be lost, and what is heard now may have been on its way. */
  let doubted = false;
  const waiters = new Set<Waiter>();
  let checking: NodeJS.Immediate | null = null;
  let timer: NodeJS.Timeout | null = null;
  let polling = false;
  let heardAt = Number.NEGATIVE_INFINITY;

  const isFresh = (position: Position, projections: readonly string[]): boolean =>
    projections.every((name) => {
      const schema = live.instanceOf(name)?.schemaName;
      const reached = schema === undefined ? undefined : known.get(schema);
      return reached !== undefined && reached >= position;
    });

  const end = (waiter: Waiter, fresh: boolean): void => {
    waiters.delete(waiter);
    waiter.settle(fresh);
  };
  const check = (): void => {
    checking = null;
    for (const waiter of waiters) if (isFresh(waiter.position, waiter.projections)) end(waiter, true);
  };
  const hear = (schemaName: string, position: Position): void => {
    if (!doubted) learn(schemaName, position);
  };
  const learn = (schemaName: string, position: Position): void => {
    const before = known.get(schemaName);
    if (before !== undefined && before >= position) return;
    known.set(schemaName, position);
    // Announcements come in bursts; the waiters are looked through once per burst.
    if (waiters.size > 0) checking ??= setImmediate(check);
  };

  /** A restarted server may have lost its last unflushed checkpoints: nothing remembered counts until it was asked. */
  const doubt = (): void => {
    losses += 1;
    known.clear();
    doubted = true;
  };
  const unlost = onLoss(pool, doubt);

  const poll = async (): Promise<void> => {
    polling = true;
    const before = losses;
    try {
      const found = await pool.query<{ name: string; position: Position }>(
        'select name, position from projection.checkpoint where shard = 0',
      );
      if (losses > before) return; // an answer of before the loss: waiters ask again
      doubted = false;
      for (const row of found.rows) learn(row.name, row.position);
    } catch {
      doubt(); // waiters ask again or run out
    } finally {
      polling = false;
      arm();
    }
  };

  /** One timer for all: the next poll or the next deadline, whichever comes first. */
  const arm = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (waiters.size === 0) return;
    let next = Number.POSITIVE_INFINITY;
    for (const waiter of waiters) next = Math.min(next, waiter.deadline, polling ? Number.POSITIVE_INFINITY : waiter.pollAt);
    timer = setTimeout(tick, Math.max(1, next - performance.now()));
  };

  const tick = (): void => {
    timer = null;
    const now = performance.now();
    let due = false;
    for (const waiter of waiters) {
      if (waiter.deadline <= now) end(waiter, false);
      else if (waiter.pollAt <= now + SHARED_POLL_MS) {
        due = true;
        waiter.polls += 1;
        waiter.pollAt = now + pollDelay(waiter.polls);
      }
    }
    if (due && !polling) void poll();
    arm();
  };

  const firstPollAt = (now: number): number => now + pollDelay(0) + (!doubted && now - heardAt < HEARD_MS ? HEARD_MS : 0);

  let unsubscribe: (() => void) | null = null;
  /** Only who waits wants to hear every announcement. */
  const listen = (): void => {
    unsubscribe ??= signals.subscribe('projection', (payload) => {
      heardAt = performance.now();
      for (const { schemaName, position } of parseAnnouncement(payload)) hear(schemaName, position);
    });
  };
  const unfeed = deps.feed?.subscribe(hear);

  return {
    waitFor: async (position, projections, budgetMs) => {
      listen();
      if (isFresh(position, projections)) return true;
      if (budgetMs <= 0) return false;
      return new Promise<boolean>((settle) => {
        const now = performance.now();
        const waiter = { position, projections, deadline: now + budgetMs, settle, polls: 0, pollAt: firstPollAt(now) };
        waiters.add(waiter);
        if (timer === null || waiters.size === 1) arm();
      });
    },
    close: async () => {
      unsubscribe?.();
      unfeed?.();
      unlost();
      if (timer !== null) clearTimeout(timer);
      if (checking !== null) clearImmediate(checking);
      for (const waiter of waiters) end(waiter, false);
    },
  };
};

const pollDelay = (polls: number): number => POLL_AFTER_MS[Math.min(polls, POLL_AFTER_MS.length - 1)] ?? 30;
