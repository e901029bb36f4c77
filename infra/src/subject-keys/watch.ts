/** Which keys were destroyed lately, asked of Postgres every second while somebody wants to know. */
import type { SubjectId } from '@tidings/contracts/ids';
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
}

/** @param first is told of each subject before any listener */
export const watchDestroyed = (pool: pg.Pool, first: Listener): Watch => {
  const listeners = new Set<Listener>();
  const told = new LRUCache<SubjectId, true>({ max: 10_000 });
  let timer: NodeJS.Timeout | null = null;
  let lookedAt = Date.now();
  let isLooking = false;

  const tell = (subject: SubjectId): void => {
    if (told.has(subject)) return;
    told.set(subject, true);
    first(subject);
    for (const listener of listeners) listener(subject);
  };

  const look = async (): Promise<void> => {
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

  const stop = (): void => {
    if (timer !== null) clearInterval(timer);
    timer = null;
  };

  const tick = (): void => {
    if (pool.ended) return stop();
    if (isLooking) return;
    isLooking = true;
    // While Postgres is away nothing is destroyed; the next look goes back further.
    void look()
      .catch(() => undefined)
      .finally(() => (isLooking = false));
  };

  return {
    tell,
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
