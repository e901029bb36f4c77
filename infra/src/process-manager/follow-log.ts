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
}

/**
 * The log behind a turn's checkpoint, for as long as `signal` is not aborted. Pages that are not `due` have nothing of interest, and the checkpoint
 * may wait for the next one.
 */
export async function* logPages(
  { log, types, limit = PAGE, gatherMs = GATHER_MS }: PagesOf,
  { shard, position }: Pick<Turn, 'shard' | 'position'>,
  signal: AbortSignal,
): AsyncGenerator<{ readonly page: LogPage; readonly due: boolean }, void, void> {
  let takenAt = performance.now();
  for await (const page of log.tail(shard, position, { limit, filter: { types }, signal })) {
    const due = page.events.length > 0 || performance.now() - takenAt >= PASS_BY_MS;
    if (due) takenAt = performance.now();
    yield { page, due };
    if (!due && page.atHead) await delay(gatherMs, undefined, { signal }).catch(() => undefined);
  }
}

export interface FollowParts extends PagesOf {
  readonly events: Pick<EventStore, 'open'>;
  readonly logger: Logger;
  /** One after the other, in the order of the log. Comes again for the same event after a crash or a throw, so it must not mind. */
  readonly onEvent: (event: Recorded, turn: Turn) => Promise<void>;
}

/** `follow` of a process manager that acts on single events. The checkpoint moves behind each page. */
export const followLog =
  ({ events, logger, onEvent, ...pagesOf }: FollowParts) =>
  async (turn: Turn): Promise<void> => {
    for await (const { page, due } of logPages(pagesOf, turn, turn.signal)) {
      if (due) {
        turn.report(page.atHead ? 'working' : 'behind');
        const opened = await events.open(page.events);
        for (const { event, reason } of opened.faults) {
          logger.error({ stream: event.stream, position: event.position, reason }, 'an event cannot be read; passed over');
        }
        for (const event of opened.events) {
          if (turn.signal.aborted) return;
          await onEvent(event, turn);
        }
        await turn.commit(page.next);
      }
      turn.report(page.atHead ? 'idle' : 'behind');
    }
  };
