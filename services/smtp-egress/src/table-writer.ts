/**
 * The table of what is due follows the log a moment behind, so that one transaction has the changes of many mails: most are over within that moment,
 * and change nothing in the end. It can lag without harm, for all of it comes from the log, behind the checkpoint that is written with it.
 */
import type { LogPage, Position } from '@tidings/contracts/ports/event-log';
import type { Turn } from '@tidings/infra/process-manager/process-manager';
import { Waker } from '@tidings/infra/projector/waker';
import { setTimeout as delay } from 'node:timers/promises';
import { type Change, Changes, firstDue } from './changes.ts';
import { applyChanges } from './due-table.ts';

export interface Table {
  /** Resolves when more may come: at once, unless too much waits to be written. */
  write(changes: readonly Change[], page: Pick<LogPage, 'next' | 'atHead'>): Promise<void>;
  /** Ends with the signal. Rejects when it cannot be written. */
  readonly over: Promise<void>;
}

const GATHER_MS = 200;
const MOST_WAITING = 5_000;

/** @param onWritten up to which position, and when the first of what was written is due (milliseconds since the epoch) */
export const startTable = (turn: Turn, signal: AbortSignal, onWritten: (position: Position, nextAt: number | null) => void): Table => {
  const come = new Waker();
  const written = new Waker();
  let waiting = { changes: new Changes(), to: turn.position, atHead: true };

  const writeOnce = async (): Promise<void> => {
    const { changes, to, atHead } = waiting;
    waiting = { changes: new Changes(), to, atHead };
    const all = changes.all();
    // All of it can be had from the log again, so it need not wait for the disk.
    await turn.commit(to, (client) => applyChanges(client, turn.shard, all));
    onWritten(to, firstDue(all));
    written.wake();
    if (waiting.to === to && atHead) turn.report('idle');
  };
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      if (waiting.to > turn.position) {
        if (waiting.changes.size < MOST_WAITING) await delay(GATHER_MS, undefined, { signal }).catch(() => undefined);
        if (!signal.aborted) await writeOnce();
      } else await come.wait(LONGEST_SLEEP_MS);
    }
  };
  const wake = (): void => {
    come.wake();
    written.wake();
  };
  signal.addEventListener('abort', wake, { once: true });
  return {
    write: async (changes, { next, atHead }) => {
      waiting.changes.addAll(changes);
      waiting = { ...waiting, to: next, atHead };
      come.wake();
      while (waiting.changes.size >= MOST_WAITING && !signal.aborted) await written.wait(GATHER_MS);
    },
    over: run().finally(() => signal.removeEventListener('abort', wake)),
  };
};

const LONGEST_SLEEP_MS = 30_000;
