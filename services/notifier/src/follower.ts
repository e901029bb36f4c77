/**
 * The notifier's loop over the feed: hold the lease, read what was told, note which calls that asks for and move the checkpoint, in one
 * transaction. While nobody wants to be told of anything, it only keeps up.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterPosition } from '@tidings/contracts/http/live';
import type { UserId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import { backoff } from '@tidings/infra/projector/backoff';
import { advanceAndCommit, Fenced, type Lease, type Leases } from '@tidings/infra/projector/lease';
import { withClient } from '@tidings/infra/projector/session';
import { addDeliveries, type NewDelivery } from '@tidings/infra/webhooks/deliveries';
import { newest, rowsAfter, type FeedRow } from '@tidings/projections/feed/queries';
import { subscriptionsOf, type SubscriptionRow } from '@tidings/projections/push-subscriptions/index';
import type { Logger } from 'pino';
import type { Platform, ServiceHealth } from '../../platform/src/platform.ts';
import type { Lanes } from './lanes.ts';
import { isPushed, recipientsOf, type RecipientsParts } from './recipients.ts';
import { isNobody, loadTargets, type Targets } from './targets.ts';
import { isEvent, liveCalls, pushCalls, wantsPushes } from './telling.ts';

/** The name of its lease and checkpoint. */
export const NOTIFIER = 'notifier';
const PAGE = 500;
/** Everything that one event gives rise to is told together; a new group of a thousand is two thousand rows. */
const LARGEST_PAGE = 16_000;
/** Between two looks: with nothing to tell, and behind a page. */
const LOOK_MS = 200;
const GATHER_MS = 50;
/** How often it keeps up while nobody wants to be told. */
const PASS_BY_MS = 1_000;
const ASK_AGAIN_MS = 2_000;
const STUCK_AFTER_MS = 60_000;

export interface Follower {
  readonly health: () => ServiceHealth;
  /** The lease turned out to be another's. */
  readonly lost: () => void;
  readonly stop: () => Promise<void>;
}

export interface FollowerParts {
  readonly platform: Pick<Platform, 'pool' | 'now' | 'config'> & RecipientsParts;
  readonly shard: number;
  readonly leases: Leases;
  readonly logger: Logger;
  /** Makes the calls for as long as the lease is ours. */
  readonly startLanes: (signal: AbortSignal) => Lanes;
  readonly onFailure: () => void;
}

export const startFollower = ({ platform, shard, leases, logger, startLanes, onFailure }: FollowerParts): Follower => {
  const { pool, read, liveSchema, now } = platform;
  const stopping = new AbortController();
  let owning: AbortController | null = null;
  let state: ServiceHealth['state'] = 'starting';
  let lastProgressAt = now();
  let waitingOn: string | null = null;

  const commit = (lease: Lease, from: Position, to: Position, calls: readonly NewDelivery[]): Promise<void> =>
    withClient(pool, async (client) => {
      // With calls it waits for the disk: once the checkpoint has moved, nobody looks at this page again.
      await client.query(calls.length === 0 ? 'begin; set local synchronous_commit = off' : 'begin');
      await addDeliveries(client, calls);
      await advanceAndCommit(client, lease, from, to);
    });

  const callsFor = async (after: Position, rows: readonly FeedRow[], targets: Targets): Promise<readonly NewDelivery[]> => {
    const pushes = wantsPushes(targets) ? await recipientsOf(platform, shard, after, rows.filter(isPushed)) : [];
    const users = [...new Set(pushes.flatMap(({ users }) => users))];
    const subscriptions =
      targets.browsers && users.length > 0 ? await read.any(subscriptionsOf(liveSchema('push-subscriptions'), users)) : [];
    const browsers: ReadonlyMap<UserId, readonly SubscriptionRow[]> = Map.groupBy(subscriptions, ({ userId }) => userId);
    return [...liveCalls(rows, targets), ...pushCalls(pushes, targets, browsers)];
  };

  const follow = async (lease: Lease, signal: AbortSignal): Promise<void> => {
    const ending = new AbortController();
    const lanes = startLanes(AbortSignal.any([signal, ending.signal]));
    let position = lease.position;
    const moveTo = async (to: Position, calls: readonly NewDelivery[]): Promise<void> => {
      await commit(lease, position, to, calls);
      position = to;
      lanes.poke(new Set(calls.map(({ lane }) => lane)));
    };
    try {
      while (!signal.aborted) {
        // The end first: who registers after this look is told of what comes behind it.
        const end = (await read.maybeOne(newest(liveSchema('feed'))))?.position ?? position;
        const targets = await loadTargets(platform);
        const asleep = isNobody(targets);
        const before = position;
        if (end > position) {
          const rows = asleep ? [] : await wholePage(position);
          const to = asleep ? end : (rows.at(-1)?.position ?? position);
          if (to > position) await moveTo(to, await callsFor(position, rows.filter(isEvent), targets));
        }
        state = position < end ? 'behind' : lanes.running() > 0 ? 'working' : 'idle';
        waitingOn = null;
        lastProgressAt = now();
        const pause = asleep ? PASS_BY_MS : position < end ? 0 : position > before ? GATHER_MS : LOOK_MS;
        await delay(pause, undefined, { signal }).catch(() => undefined);
      }
    } finally {
      ending.abort();
      await lanes.over();
    }
  };

  /** Rows behind `after`, whole positions only. */
  const wholePage = async (after: Position, limit = PAGE): Promise<readonly FeedRow[]> => {
    const rows = await read.any(rowsAfter(liveSchema('feed'), afterPosition(after), limit));
    const last = rows.at(-1);
    if (last === undefined || rows.length < limit) return rows;
    const whole = rows.filter((row) => row.position !== last.position);
    if (whole.length > 0) return whole;
    if (limit >= LARGEST_PAGE) throw new Error(`position ${last.position} gave rise to ${limit} feed rows or more`);
    return wholePage(after, limit * 4);
  };

  const run = async (): Promise<void> => {
    let failures = 0;
    while (!stopping.signal.aborted) {
      const startedAt = now();
      try {
        const lease = await leases.acquire(NOTIFIER, shard);
        if ('heldBy' in lease) {
          state = 'not-owner';
          lastProgressAt = now();
          await backoff(16, stopping.signal, ASK_AGAIN_MS);
          continue;
        }
        owning = new AbortController();
        const signal = AbortSignal.any([stopping.signal, owning.signal]);
        try {
          await follow(lease, signal);
        } finally {
          owning.abort();
          owning = null;
          if (stopping.signal.aborted) await leases.release(lease).catch(() => undefined); // else it runs out by itself
        }
        failures = 0;
      } catch (error) {
        if (error instanceof Fenced) continue;
        failures = now() - startedAt > ASK_AGAIN_MS ? 1 : failures + 1;
        waitingOn = error instanceof Error ? error.message : String(error);
        onFailure();
        logger.warn({ err: error, failures }, 'the notifier starts over');
        await backoff(failures, stopping.signal);
      }
    }
  };
  const running = run();

  return {
    health: () => ({ state: now() - lastProgressAt > STUCK_AFTER_MS ? 'stuck' : state, lastProgressAt, waitingOn }),
    lost: () => owning?.abort(),
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
};
