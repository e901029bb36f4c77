/** Those who wait at the head of a shard. A wake-up is a hint: the sleeper looks for itself before it goes on. */

export interface Waiters {
  /** Resolves when `ready()` holds at the start or after a wake-up, or when `signal` aborts. */
  wait(shard: number, ready: () => boolean, signal: AbortSignal): Promise<void>;
  wake(shard: number): void;
  /** Whether anybody waits. */
  busy(shard: number): boolean;
}

export const createWaiters = (): Waiters => {
  const sleepers = new Map<number, Set<() => void>>();
  const of = (shard: number): Set<() => void> => {
    const known = sleepers.get(shard) ?? new Set();
    sleepers.set(shard, known);
    return known;
  };
  const wake = (shard: number): void => {
    for (const look of of(shard)) look();
  };
  return {
    wait: (shard, ready, signal) =>
      new Promise((resolve) => {
        const done = (): void => {
          of(shard).delete(look);
          signal.removeEventListener('abort', done);
          resolve();
        };
        const look = (): void => {
          if (ready()) done();
        };
        if (signal.aborted || ready()) {
          resolve();
          return;
        }
        of(shard).add(look);
        signal.addEventListener('abort', done);
      }),
    wake,
    busy: (shard) => of(shard).size > 0,
  };
};
