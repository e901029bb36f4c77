/** On a busy machine the start of a thread outlasts what one task may take, and the tasks that came first would fail for it. */
import type { Piscina } from 'piscina';

/** Who cannot start within this never will. */
const START_LIMIT_MS = 60_000;

/** The worker of `pool` has a task `start` that does nothing. @returns what resolves when a thread of the pool is there to take a task, and rejects when none comes */
export const firstThread = (pool: Piscina, limitMs = START_LIMIT_MS): (() => Promise<void>) => {
  let starting: Promise<void> | null = null;
  const start = async (): Promise<void> => {
    try {
      await pool.run(null, { name: 'start', signal: AbortSignal.timeout(limitMs) });
    } finally {
      starting = null;
    }
  };
  return async () => {
    if (pool.threads.length === 0) starting ??= start();
    await starting;
  };
};
