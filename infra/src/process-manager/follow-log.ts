/** How process managers follow the log: only what concerns them, and the checkpoint now and then while other things pass by. */
import type { EventType, Recorded } from '@tidings/contracts/events/index';
import type { EventLog, LogPage, Position } from '@tidings/contracts/ports/event-log';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { EventStore } from '../event-store/event-store.ts';
import { createInHand } from './in-hand.ts';
import type { Turn } from './process-manager.ts';

/** How long the checkpoint may stay behind while nothing of interest passes by. */
const PASS_BY_MS = 1_000;
const PAGE = 200;
const GATHER_MS = 50;

export interface PagesOf {
  readonly log: Pick<EventLog, 'tail'>;
  readonly types: readonly EventType[];
  /** Events in a page at most. */
  readonly limit?: number;
  /** At the head, how long to gather before looking again while nothing of interest passes by. */
  readonly gatherMs?: number;
  /** At the head, how long to gather behind a page of interest, where nobody waits for the next one; default 0. A page costs nearly the same for one event as for fifty. */
  readonly restMs?: number;
}

/**
 * The log behind a turn's checkpoint, for as long as `signal` is not aborted. Pages that are not `due` have nothing of interest, and the checkpoint
 * may wait for the next one.
 */
export async function* logPages(
  { log, types, limit = PAGE, gatherMs = GATHER_MS, restMs = 0 }: PagesOf,
  { shard, position }: Pick<Turn, 'shard' | 'position'>,
  signal: AbortSignal,
): AsyncGenerator<{ readonly page: LogPage; readonly due: boolean }, void, void> {
  let takenAt = performance.now();
  for await (const page of log.tail(shard, position, { limit, filter: { types }, signal })) {
    const due = page.events.length > 0 || performance.now() - takenAt >= PASS_BY_MS;
    if (due) takenAt = performance.now();
    yield { page, due };
    const pause = due ? restMs : gatherMs;
    if (page.atHead && pause > 0) await delay(pause, undefined, { signal }).catch(() => undefined);
  }
}

export interface FollowParts extends PagesOf {
  readonly events: Pick<EventStore, 'open'>;
  readonly logger: Logger;
  /** Comes again for the same event after a crash or a throw, so it must not mind. */
  readonly onEvent: (event: Recorded) => Promise<void>;
  /** Events of one lane come one after another, in the order of the log; those of different lanes side by side. Default: all are one lane. */
  readonly laneOf?: (event: Recorded) => string;
  /** Lanes that are worked on at a time; default 16. */
  readonly atOnce?: number;
}

/**
 * `follow` of a process manager that acts on single events. It reads on while it works, so that no event waits for those of other lanes. The
 * checkpoint stays before the oldest that is not done.
 */
export const followLog =
  ({ events, logger, onEvent, laneOf = () => '', atOnce = 16, ...pagesOf }: FollowParts) =>
  async (turn: Turn): Promise<void> => {
    const ending = new AbortController();
    const signal = AbortSignal.any([turn.signal, ending.signal]);
    const failures: unknown[] = [];
    const onFailure = (error: unknown): void => {
      failures.push(error);
      ending.abort();
    };
    let atHead = true;
    const tell = (): void => turn.report(!atHead ? 'behind' : inHand.isEmpty ? 'idle' : 'working');
    const onDone = (): void => {
      tell();
      checkpoint.moveSoon();
    };
    const inHand = createInHand({ from: turn.position, laneOf, atOnce, work: onEvent, onDone, onFailure });
    const checkpoint = checkpointBehind(turn, () => inHand.doneUpTo, onFailure);

    for await (const { page, due } of logPages(pagesOf, turn, signal)) {
      ({ atHead } = page);
      const opened = await events.open(page.events);
      for (const { event, reason } of opened.faults) {
        logger.error({ stream: event.stream, position: event.position, reason }, 'an event cannot be read; passed over');
      }
      for (const event of opened.events) {
        await inHand.room();
        if (signal.aborted) break;
        inHand.take(event);
      }
      if (signal.aborted) break;
      inHand.reached(page.next);
      tell();
      if (due) checkpoint.moveSoon();
    }
    await inHand.end();
    await checkpoint.end();
    if (failures.length > 0) throw failures[0];
  };

/** How long what is done waits for more: moving the checkpoint costs the same for one event as for many. */
const GATHER_DONE_MS = 100;

interface Checkpoint {
  moveSoon(): void;
  /** Moves it to where it belongs. Never rejects. */
  end(): Promise<void>;
}

const checkpointBehind = (turn: Turn, doneUpTo: () => Position, onFailure: (error: unknown) => void): Checkpoint => {
  let moving: Promise<void> | null = null;
  const move = async (pauseMs: number): Promise<void> => {
    try {
      while (doneUpTo() > turn.position) {
        await delay(pauseMs);
        await turn.commit(doneUpTo());
      }
    } catch (error) {
      onFailure(error);
    } finally {
      moving = null; // in the same turn as the last look, so that nothing done falls between
    }
  };
  return {
    moveSoon: () => {
      if (doneUpTo() > turn.position) moving ??= move(GATHER_DONE_MS);
    },
    end: async () => {
      await moving;
      await move(0);
    },
  };
};
