/** The caretaker's loop over one shard: hold the lease, follow the log, do what each event asks for, move the checkpoint. */
import { setTimeout as delay } from 'node:timers/promises';
import type { EventType, Recorded } from '@tidings/contracts/events/index';
import type { Position } from '@tidings/contracts/ports/event-log';
import { backoff } from '@tidings/infra/projector/backoff';
import { advanceAndCommit, Fenced, type Lease, type Leases } from '@tidings/infra/projector/lease';
import { withClient } from '@tidings/infra/projector/session';
import type { Logger } from 'pino';
import type { Platform, ServiceHealth } from '../../platform/src/platform.ts';

/** The name of its lease and checkpoint. */
export const CARETAKER = 'caretaker';
const PAGE = 200;
/** How long the checkpoint may stay behind while nothing of interest passes by, and how long it then gathers before it looks again. */
const PASS_BY_MS = 1_000;
const GATHER_MS = 50;
const ASK_AGAIN_MS = 2_000;
const STUCK_AFTER_MS = 60_000;

export interface Follower {
  readonly health: () => ServiceHealth;
  /** The lease turned out to be another's. */
  readonly lost: () => void;
  readonly stop: () => Promise<void>;
}

export interface FollowerParts {
  readonly platform: Pick<Platform, 'log' | 'events' | 'pool' | 'now'>;
  readonly shard: number;
  readonly leases: Leases;
  readonly logger: Logger;
  readonly types: readonly EventType[];
  /** Comes again for the same event after a crash or a failure, so it must not mind. */
  readonly onEvent: (event: Recorded) => Promise<void>;
}

export const startFollower = ({ platform, shard, leases, logger, types, onEvent }: FollowerParts): Follower => {
  const { log, events, pool, now } = platform;
  const stopping = new AbortController();
  let owning: AbortController | null = null;
  let state: ServiceHealth['state'] = 'starting';
  let lastProgressAt = now();
  let waitingOn: string | null = null;

  const follow = async (lease: Lease, signal: AbortSignal): Promise<void> => {
    let position: Position = lease.position;
    let committedAt = now();
    for await (const page of log.tail(shard, position, { limit: PAGE, filter: { types }, signal })) {
      state = page.atHead ? 'idle' : 'behind';
      if (page.events.length === 0 && now() - committedAt < PASS_BY_MS) {
        if (page.atHead) await delay(GATHER_MS, undefined, { signal }).catch(() => undefined);
        continue;
      }
      const opened = await events.open(page.events);
      for (const { event, reason } of opened.faults) {
        logger.error({ stream: event.stream, position: event.position, reason }, 'an event cannot be read; passed over');
      }
      for (const event of opened.events) await onEvent(event);
      const from = position;
      position = page.next;
      await withClient(pool, async (client) => {
        await client.query('begin; set local synchronous_commit = off');
        await advanceAndCommit(client, lease, from, position);
      });
      committedAt = now();
      lastProgressAt = now();
      waitingOn = null;
    }
  };

  const run = async (): Promise<void> => {
    let failures = 0;
    while (!stopping.signal.aborted) {
      try {
        const lease = await leases.acquire(CARETAKER, shard);
        if ('heldBy' in lease) {
          state = 'not-owner';
          lastProgressAt = now();
          await backoff(16, stopping.signal, ASK_AGAIN_MS);
          continue;
        }
        state = 'idle';
        owning = new AbortController();
        try {
          await follow(lease, AbortSignal.any([stopping.signal, owning.signal]));
        } finally {
          owning = null;
          if (stopping.signal.aborted) await leases.release(lease).catch(() => undefined); // else it runs out by itself
        }
        failures = 0;
      } catch (error) {
        if (error instanceof Fenced) continue;
        failures = now() - lastProgressAt < ASK_AGAIN_MS ? 1 : failures + 1;
        waitingOn = error instanceof Error ? error.message : String(error);
        logger.warn({ err: error, failures }, 'the caretaker starts over');
        await backoff(failures, stopping.signal);
      }
    }
  };
  const running = run();

  return {
    health: () => ({
      state: (state === 'behind' || waitingOn !== null) && now() - lastProgressAt > STUCK_AFTER_MS ? 'stuck' : state,
      lastProgressAt,
      waitingOn,
    }),
    lost: () => owning?.abort(),
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
};
