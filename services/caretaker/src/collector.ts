/** The collector of bytes that nobody keeps, as a process manager: one node at a time, what was erased soon, all else in rounds. */
import type { Logger } from 'pino';
import { startProcessManager, type ProcessManager, type Turn } from '@tidings/infra/process-manager/process-manager';
import type { LeaseOptions } from '@tidings/infra/projector/lease';
import { Counter } from 'prom-client';
import { setTimeout as delay } from 'node:timers/promises';
import { collectBlobs, collectErased } from '../../platform/src/collect-blobs.ts';
import type { Platform } from '../../platform/src/platform.ts';
import { NotCaughtUp } from '../../platform/src/unused-blobs.ts';

/** Of its lease, for ever. */
const COLLECTOR = 'blob-collector';
/** How soon what was erased is looked for, should the erasure itself have been cut short; and how soon a round that could not be is tried again. */
const LOOK_MS = 5_000;
const REMOVED = 'tidings_blobs_removed_total';

export const startCollector = (platform: Platform, logger: Logger, lease: LeaseOptions | undefined): ProcessManager => {
  const { pool, now, metrics, config } = platform;
  const { keepUnusedMs, collectEveryMs } = config.blobs;
  const removed = new Counter({ name: REMOVED, help: 'Blobs that nobody kept any more', registers: [metrics] });
  const told = (gone: readonly unknown[]): void => {
    removed.inc(gone.length);
    if (gone.length > 0) logger.info({ blobs: gone.length }, 'bytes that nobody keeps were removed');
  };

  /** Its lease says who does it, its lanes how far it got: the checkpoint stays where it is. */
  const follow = async (turn: Turn): Promise<void> => {
    let roundAt = now();
    while (!turn.signal.aborted) {
      try {
        if (now() >= roundAt) {
          turn.report('working');
          told(await collectBlobs(platform, { keepUnusedMs, now: now(), signal: turn.signal }));
          roundAt = now() + collectEveryMs;
        } else {
          told(await collectErased(platform));
        }
        turn.progressed();
      } catch (error) {
        // Read models that are behind are others' business, and nothing was removed.
        if (!(error instanceof NotCaughtUp)) throw error;
        logger.debug({ err: error }, 'bytes are collected later');
      }
      turn.report('idle');
      await delay(Math.min(LOOK_MS, collectEveryMs), undefined, { signal: turn.signal }).catch(() => undefined);
    }
  };
  const manager = startProcessManager({ name: COLLECTOR, shards: [0], pool, logger, now, lease, follow });
  return {
    health: manager.health,
    stop: async () => {
      await manager.stop();
      metrics.removeSingleMetric(REMOVED);
    },
  };
};
