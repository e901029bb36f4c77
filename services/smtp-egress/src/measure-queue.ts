/** Counts what waits, now and then: the more there is to count, the less often. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Pool } from 'pg';
import type { Dispatcher } from './dispatcher.ts';
import { queueSize } from './due-table.ts';
import type { Measures } from './measures.ts';

export interface MeasureParts {
  readonly pool: Pool;
  readonly shard: number;
  readonly now: () => number;
  readonly sending: Pick<Dispatcher, 'inHand'>;
  readonly measures: Measures;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

const EVERY_MS = 10_000;
/** At most this part of the time goes into counting. */
const PART = 50;

/** Ends with the signal, and never rejects. */
export const measureQueue = async ({ pool, shard, now, sending, measures, logger, signal }: MeasureParts): Promise<void> => {
  while (!signal.aborted) {
    const startedAt = performance.now();
    try {
      measures.queue(shard, await queueSize(pool, shard, now()), sending.inHand());
    } catch (error) {
      logger.debug({ err: error }, 'the queue could not be counted');
    }
    await delay(Math.max(EVERY_MS, (performance.now() - startedAt) * PART), undefined, { signal }).catch(() => undefined);
  }
};
