/** What a process manager does when its time has come, from a table of its own, for as long as the shard is ours. */
import { Waker } from '../projector/waker.ts';
import type { Logger } from 'pino';

export interface TimerParts<Due> {
  /** The longest due first, so many at most. */
  readonly dueAt: (now: number, limit: number) => Promise<readonly Due[]>;
  /** When something is due next, in milliseconds since the epoch; null when nothing waits. */
  readonly nextDue: () => Promise<number | null>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Comes again for the same one after a crash or a throw, so it must not mind. */
  readonly dispatch: (due: Due) => Promise<void>;
}

export interface Timer {
  /** Something was written to the table. */
  readonly poke: () => void;
  /** Never rejects. */
  readonly over: Promise<void>;
}

const AT_ONCE = 8;
const LONGEST_SLEEP_MS = 10_000;
const AFTER_FAULT_MS = 1_000;

export const startTimer = <Due>({ dueAt, nextDue, now, logger, signal, dispatch }: TimerParts<Due>): Timer => {
  const waker = new Waker();
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        const due = await dueAt(now(), AT_ONCE);
        const failed = (await Promise.allSettled(due.map(dispatch))).filter((one) => one.status === 'rejected');
        for (const { reason } of failed) logger.warn({ err: reason as unknown }, 'what is due could not be done; trying again');
        if (failed.length > 0) await waker.wait(AFTER_FAULT_MS);
        else if (due.length < AT_ONCE) await waker.wait(sleepUntil(await nextDue(), now()));
      } catch (error) {
        if (signal.aborted) return;
        logger.warn({ err: error }, 'it could not be seen what is due; trying again');
        await waker.wait(AFTER_FAULT_MS);
      }
    }
  };
  const wake = (): void => waker.wake();
  signal.addEventListener('abort', wake, { once: true });
  return { poke: wake, over: run().finally(() => signal.removeEventListener('abort', wake)) };
};

const sleepUntil = (at: number | null, now: number): number =>
  at === null ? LONGEST_SLEEP_MS : Math.max(1, Math.min(LONGEST_SLEEP_MS, Math.ceil(at - now)));
