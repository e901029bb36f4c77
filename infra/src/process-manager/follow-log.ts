/** How process managers follow the log: only what concerns them, and the checkpoint now and then while other things pass by. */
import type { EventType, Recorded } from '@tidings/contracts/events/index';
import type { EventLog, LogPage } from '@tidings/contracts/ports/event-log';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { EventStore } from '../event-store/event-store.ts';
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
  /** In the order of the log, as far as `atOnce` has it. Comes again for the same event after a crash or a throw, so it must not mind. */
  readonly onEvent: (event: Recorded, turn: Turn) => Promise<void>;
  /** Streams of a page that are worked at side by side, each in its order; default 1, which is the order of the log. */
  readonly atOnce?: number;
}

/** `follow` of a process manager that acts on single events. The checkpoint moves behind each page. */
export const followLog =
  ({ events, logger, onEvent, atOnce = 1, ...pagesOf }: FollowParts) =>
  async (turn: Turn): Promise<void> => {
    for await (const { page, due } of logPages(pagesOf, turn, turn.signal)) {
      if (due) {
        turn.report(page.atHead ? 'working' : 'behind');
        const opened = await events.open(page.events);
        for (const { event, reason } of opened.faults) {
          logger.error({ stream: event.stream, position: event.position, reason }, 'an event cannot be read; passed over');
        }
        await inOrder(opened.events, atOnce, async (event) => (turn.signal.aborted ? undefined : onEvent(event, turn)));
        if (turn.signal.aborted) return;
        await turn.commit(page.next);
      }
      turn.report(page.atHead ? 'idle' : 'behind');
    }
  };

/** @throws the first failure, when nothing is under way any more */
const inOrder = async (events: readonly Recorded[], atOnce: number, onEvent: (event: Recorded) => Promise<void>): Promise<void> => {
  const lanes = atOnce === 1 ? [events] : [...Map.groupBy(events, ({ stream }) => stream).values()];
  const waiting = lanes.values(); // each worker takes the next of them
  const worker = async (): Promise<void> => {
    for (const lane of waiting) for (const event of lane) await onEvent(event);
  };
  const done = await Promise.allSettled(Array.from({ length: Math.min(atOnce, lanes.length) }, worker));
  for (const one of done) if (one.status === 'rejected') throw one.reason;
};
