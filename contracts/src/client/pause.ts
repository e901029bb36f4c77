/** How long a client waits before it tries again. */

/** Resolves after `ms`, at once when `signal` ends; whoever waits looks at the signal then. */
export const pause = (ms: number, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
  });

/** Longer with each failure in a row, and never the same for two clients, so that a crowd does not come back at one moment. */
export const backoffMs = (failures: number, longestMs: number): number =>
  Math.min(longestMs, FIRST_MS * 2 ** (failures - 1)) * (0.5 + Math.random() / 2);
const FIRST_MS = 250;
