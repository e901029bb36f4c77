/** Waiting between attempts. */
import { setTimeout as delay } from 'node:timers/promises';

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 2_000;

/** Waits longer after each failure in a row, with jitter, so that loops that failed together do not return together. */
export const backoff = async (failures: number, signal: AbortSignal, longestMs: number = LONGEST_WAIT_MS): Promise<void> => {
  const ceiling = Math.min(longestMs, FIRST_WAIT_MS * 2 ** Math.min(failures, 16));
  await delay(ceiling * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined); // aborted: the caller looks at the signal
};
