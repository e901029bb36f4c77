/** Which keys were destroyed lately, asked of Postgres every second while keys are used or somebody wants to know. */
import type { SubjectId } from '@tidings/contracts/ids';
import { atMost } from '../cache/at-most.ts';
import { LRUCache } from 'lru-cache';
import type pg from 'pg';

type Listener = (subject: SubjectId) => void;

const EVERY_MS = 1_000;
/** Looked back over each time: a destruction shows when it commits, which may be after a later one. */
const OVERLAP_SECONDS = 60;

export interface Watch {
  readonly subscribe: (listener: Listener) => () => void;
  /** What this node destroyed itself. */
  readonly tell: Listener;
  /**
   * Resolves when all that was destroyed up to `ms` ago is known here. Mostly that is at once: the next look is on its way before it is due.
   *
   * @throws what Postgres says, when nothing was heard for so long and it cannot be asked now
   */
  readonly heardWithin: (ms: number) => Promise<void>;
}

/** @param first is told of each subject before any listener, and again while it is looked back at */
export const watchDestroyed = (pool: pg.Pool, first: Listener): Watch => {
  const listeners = new Set<Listener>();
  const told = new LRUCache<SubjectId, true>(atMost(10_000));
  let timer: NodeJS.Timeout | null = null;
  let lookedAt = Date.now();
  let looking: Promise<void> | null = null;

  const tell = (subject: SubjectId): void => {
    first(subject);
    if (told.has(subject)) return;
    told.set(subject, true);
    for (const listener of listeners) listener(subject);
  };

  const ask = async (): Promise<void> => {
    const now = Date.now();
    const seconds = Math.max(0, now - lookedAt) / 1000 + OVERLAP_SECONDS;
    // Index subject_key_destroyed.
    const { rows } = await pool.query<{ subject: SubjectId }>({
      name: 'keys-destroyed',
      text: 'select subject from keys.subject_key where destroyed_at > now() - make_interval(secs => $1)',
      values: [seconds],
    });
    lookedAt = now;
    for (const { subject } of rows) tell(subject);
  };

  const look = (): Promise<void> => (looking ??= ask().finally(() => (looking = null)));

  const stop = (): void => {
    if (timer !== null) clearInterval(timer);
    timer = null;
  };

  const tick = (): void => {
    if (pool.ended) return stop();
    // While Postgres is away nothing is destroyed; the next look goes back further.
    look().catch(() => undefined);
  };

  return {
    tell,
    heardWithin: async (ms) => {
      const age = Date.now() - lookedAt;
      if (age > ms) await look();
      else if (age > Math.min(EVERY_MS, ms / 2)) look().catch(() => undefined); // who finds it too old asks, and hears of it
    },
    subscribe: (listener) => {
      listeners.add(listener);
      if (timer === null) {
        timer = setInterval(tick, EVERY_MS);
        timer.unref();
      }
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) stop();
      };
    },
  };
};
