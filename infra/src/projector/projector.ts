/**
 * Runs projections: finds out from the registry which instances there are to run, gives each a lane per shard, watches them, and takes
 * builds through verification to `ready`. Several processes may run it and share the work; leases decide who works on what.
 */
import { START, type EventLog, type Position } from '@tidings/contracts/ports/event-log';
import type { Signals } from '@tidings/contracts/ports/signals';
import type { Projection } from '@tidings/contracts/projection';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { StreamId } from '@tidings/contracts/ids';
import type { EventStore } from '../event-store/event-store.ts';
import { onLoss } from '../postgres/losses.ts';
import { createAnnouncer, LEASES_FREED, REGISTRY_CHANGED, type PositionFeed } from './announce.ts';
import { createCheckpoints } from './checkpoints.ts';
import { Lane, type LaneSettings, type LaneState } from './lane.ts';
import { createLeases, DEFAULT_LEASE, Fenced, type LeaseOptions } from './lease.ts';
import { createProjectorMetrics } from './metrics.ts';
import { openPageSource, type PageSource } from './page-source.ts';
import { errorText } from './parking.ts';
import { classify } from './poison.ts';
import { finishBuild } from './rebuild.ts';
import { RetiredRemains } from './retired-remains.ts';
import { createIndexes, createTables, instances, registerProjections, setError, withRegistry, type Instance } from './registry.ts';
import { createSharing, type SharingSettings } from './sharing.ts';
import { writeStatus, type LaneStatus } from './status.ts';
import { cutover, forget, isPending } from './transitions.ts';
import { Waker } from './waker.ts';
import { Watchdog } from './watchdog.ts';

export interface ProjectorSettings extends LaneSettings, LeaseOptions, SharingSettings {
  /** How often the registry is looked at without a signal, and the status written. */
  readonly controlMs: number;
  /** No progress for this long although there is work: stuck. */
  readonly stuckAfterMs: number;
}

export const PROJECTOR_DEFAULTS: ProjectorSettings = {
  ...DEFAULT_LEASE,
  patienceMs: 3_000,
  livePage: 500,
  replayPage: 10_000,
  attempts: 3,
  maxParkedPerPage: 50,
  flushMs: 100,
  urgentMs: 60,
  gatherMs: 40,
  busyMs: 120,
  unhurriedMs: 250,
  claimMs: 1_000,
  controlMs: 500,
  stuckAfterMs: 30_000,
};

export interface ProjectorOptions {
  /** From `openPool`; three connections per projection at most, fewer only make them wait for each other. */
  readonly pool: Pool;
  readonly log: EventLog;
  readonly events: EventStore;
  readonly projections: readonly Projection[];
  readonly signals: Signals;
  readonly logger: Logger;
  readonly metrics?: Registry;
  /** Positions for a `createFreshness` in the same process. */
  readonly feed?: PositionFeed;
  /** Run only these instances, without sharing them; others are left to other processes. */
  readonly only?: (instance: Instance) => boolean;
  readonly settings?: Partial<ProjectorSettings>;
}

export interface ProjectorHealth {
  readonly state: LaneState;
  readonly lastProgressAt: number | null;
  readonly waitingOn: string | null;
  /** Per instance, by schema name: state, position, lag, parked streams. */
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface Projector {
  health(): ProjectorHealth;
  /** Looks at the registry now rather than at the next interval. */
  refresh(): void;
  /** Finishes the pages in hand, writes checkpoints, gives leases back. */
  stop(): Promise<void>;
}

/** One instance in this process. */
interface Runner {
  instance: Instance;
  readonly projection: Projection;
  readonly watchdogs: readonly Watchdog[];
  /** Indexes or verification under way. */
  task: Promise<void> | null;
}

/** Starts when the registry knows all projections and every lane has begun. Needs `migrateProjector`. */
export const startProjector = async (options: ProjectorOptions): Promise<Projector> => {
  const { pool, log, events, projections, signals, logger } = options;
  const settings = { ...PROJECTOR_DEFAULTS, ...options.settings };
  const stopping = new AbortController();
  const runners = new Map<string, Runner>();
  const allWatchdogs = (): readonly Watchdog[] => [...runners.values()].flatMap((runner) => runner.watchdogs);
  const metrics = options.metrics === undefined ? undefined : createProjectorMetrics(options.metrics, allWatchdogs);
  const announcer = createAnnouncer(signals, options.feed);
  const checkpoints = createCheckpoints(pool);
  const leases = createLeases(pool, {
    ttlMs: settings.ttlMs,
    heartbeatMs: settings.heartbeatMs,
    onLost: (lease) => {
      for (const { lane } of allWatchdogs()) lane.lose(lease);
    },
    onError: (error) => logger.warn({ err: error }, 'leases could not be renewed; trying again'),
  });
  const sharing = createSharing(pool, leases, settings);

  const unlost = onLoss(pool, () => {
    for (const { lane } of allWatchdogs()) lane.doubt();
  });

  if (options.only === undefined) await registerProjections(pool, projections);
  const remains = new RetiredRemains(pool, projections, logger);
  const sources = new Map<number, PageSource>();
  for (const shard of log.shards) {
    const source = await openPageSource({ log, events, shard, logger });
    source.onPage(() => {
      for (const { lane } of allWatchdogs()) if (lane.shard === shard) lane.wake();
    });
    sources.set(shard, source);
  }

  const startLane = (instance: Instance, projection: Projection, source: PageSource): Watchdog => {
    const lane: Lane = new Lane(instance, source.shard, {
      ...{ pool, log, events, source, announcer, checkpoints, logger, projection, settings },
      leases: { acquire: sharing.acquire, release: (lease) => leases.release(lease) },
      onPage: (count, ms) => metrics?.page(instance, count, ms),
      onMoved: (way) => {
        metrics?.moved(instance, way);
        if (way === 'given') signals.publish('registry', LEASES_FREED);
      },
      onStopped: (error) => void noteError(lane.instance, error),
    });
    return new Watchdog(lane, log, settings.stuckAfterMs);
  };
  const noteError = (instance: Instance, error: unknown): Promise<void> =>
    setError(pool, instance, errorText(error)).catch((failed: unknown) =>
      logger.error({ err: failed }, 'the registry could not be written'),
    );

  const projectionOf = (instance: Instance): Projection | undefined =>
    projections.find((one) => one.name === instance.name && one.version === instance.version);
  const runs = (instance: Instance): boolean => options.only?.(instance) !== false && projectionOf(instance) !== undefined;

  /** True when it was not there before. */
  const ensureRunner = async (instance: Instance): Promise<boolean> => {
    const running = runners.get(instance.schemaName);
    if (running !== undefined) {
      running.instance = instance;
      for (const { lane } of running.watchdogs) lane.instance = instance;
      return false;
    }
    const projection = projectionOf(instance);
    if (projection === undefined || (instance.state === 'building' && instance.error !== null)) return false;
    if (!instance.hasTables) await prepareTables(pool, instance, projection);
    const watchdogs = [...sources.values()].map((source) => startLane(instance, projection, source));
    runners.set(instance.schemaName, { instance, projection, watchdogs, task: null });
    return true;
  };

  /** Work on an instance beside its lanes: one thing at a time, errors shown in the registry. */
  const runTask = (runner: Runner, task: () => Promise<unknown>): void => {
    runner.task = task()
      .catch((error: unknown) => {
        if (stopping.signal.aborted) return;
        const context = { err: error, projection: runner.instance.schemaName };
        if (error instanceof Fenced || classify(error) === 'transient') {
          logger.warn(context, 'the work on an instance was interrupted; beginning it again');
          return;
        }
        logger.error(context, 'the work on an instance failed');
        return noteError(runner.instance, error);
      })
      .then(() => {
        runner.task = null;
        signals.publish('registry', REGISTRY_CHANGED);
        waker.wake();
      });
  };

  const advanceBuild = (runner: Runner): void => {
    const { instance, projection, watchdogs } = runner;
    const lanes = watchdogs.map((watchdog) => watchdog.lane);
    if (runner.task !== null || instance.error !== null || !lanes.every((lane) => lane.owned && lane.caughtUp)) return;
    if (instance.state === 'building' || instance.state === 'verifying') {
      runTask(runner, async () => {
        const verification = await finishBuild(pool, { instance, projection, lanes }, stopping.signal);
        logger.info({ projection: instance.schemaName, outcome: verification?.outcome, note: verification?.note }, 'a build was verified');
      });
    } else if (!instance.hasIndexes) runTask(runner, () => createIndexes(pool, instance, projection));
  };

  /** Nobody runs the live version any more (its code is gone), so readers need the new one as soon as it is ready. */
  const replaceAbandoned = async (all: readonly Instance[]): Promise<void> => {
    for (const live of all.filter((one) => one.state === 'live')) {
      const abandoned = projections.every((one) => one.name !== live.name || one.version !== live.version);
      const ready = all.some((one) => one.name === live.name && one.state === 'ready' && runners.has(one.schemaName));
      if (!abandoned || !ready) continue;
      const next = await cutover(pool, live.name);
      logger.info({ from: live.schemaName, to: next.schemaName }, 'cut over: the live version has no code any more');
      signals.publish('registry', REGISTRY_CHANGED);
    }
  };

  const dropRetired = async (all: readonly Instance[]): Promise<void> => {
    for (const [schemaName, runner] of runners) {
      if (all.some((one) => one.schemaName === schemaName)) continue;
      runners.delete(schemaName);
      await Promise.all(runner.watchdogs.map(({ lane }) => lane.stop()));
      await forget(pool, schemaName);
      remains.left();
    }
  };

  const routeUnparks = async (): Promise<void> => {
    const asked = await pool.query<{ name: string; shard: number; stream_id: StreamId }>(
      'select name, shard, stream_id from projection.parked where unpark_requested_at is not null',
    );
    for (const { name, shard, stream_id } of asked.rows) {
      runners
        .get(name)
        ?.watchdogs.find(({ lane }) => lane.shard === shard && lane.owned)
        ?.lane.requestUnpark(stream_id);
    }
  };

  /** Takes part in dividing the work: gives up what is beyond this process's share, and asks for what nobody has. */
  const share = async (all: readonly Instance[]): Promise<void> => {
    if (options.only !== undefined) return;
    const movable = [...runners.values()].filter(({ task, watchdogs }) => task === null && watchdogs.some(({ lane }) => lane.kept));
    const { surplus, free } = await sharing.look(
      all.filter(runs).map(({ schemaName }) => schemaName),
      movable.map(({ instance }) => instance.schemaName),
    );
    const lanesOf = (names: readonly string[]): readonly Lane[] =>
      names.flatMap((name) => runners.get(name)?.watchdogs ?? []).map(({ lane }) => lane);
    if (surplus.length > 0) logger.info({ projections: surplus }, 'giving up to another process what is beyond a fair share');
    for (const lane of lanesOf(surplus)) lane.giveUp();
    for (const lane of lanesOf(free)) if (!lane.owned) lane.wake();
  };

  const written = new Map<string, string>();
  const watch = async (): Promise<void> => {
    const heads = new Map<number, Position>();
    for (const shard of sources.keys()) heads.set(shard, await log.head(shard));
    for (const watchdog of allWatchdogs()) watchdog.look(heads.get(watchdog.lane.shard) ?? START);
    const changed: LaneStatus[] = [];
    for (const watchdog of allWatchdogs()) {
      const status = watchdog.status(leases.owner);
      const key = `${status.name} ${status.shard}`;
      if (!watchdog.lane.owned && watchdog.lane.state !== 'failed') {
        written.delete(key); // its row is another's now
        continue;
      }
      const text = JSON.stringify(status);
      if (written.get(key) === text) continue;
      written.set(key, text);
      changed.push(status);
    }
    await writeStatus(pool, changed);
  };

  const control = async (): Promise<void> => {
    const all = await instances(pool);
    await dropRetired(all);
    await share(all);
    const begun: [string, Instance['state']][] = [];
    for (const instance of all) {
      if (runs(instance) && (await ensureRunner(instance))) begun.push([instance.schemaName, instance.state]);
    }
    if (begun.length > 0) logger.info({ projections: Object.fromEntries(begun) }, 'projecting');
    await routeUnparks();
    await watch();
    for (const runner of runners.values()) advanceBuild(runner);
    if (options.only === undefined) {
      await replaceAbandoned(all);
      remains.remove();
    }
  };

  const waker = new Waker();
  const controlling = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await waker.wait(settings.controlMs);
      await control().catch((error: unknown) => {
        if (!stopping.signal.aborted) logger.warn({ err: error }, 'the projector could not look at its registry; trying again');
      });
    }
  };
  const unsubscribe = signals.subscribe('registry', (payload) => {
    if (payload === REGISTRY_CHANGED || payload === LEASES_FREED) waker.wake();
  });

  await control();
  signals.publish('registry', REGISTRY_CHANGED);
  const controlled = controlling();

  return {
    health: () => healthOf(allWatchdogs()),
    refresh: () => waker.wake(),
    stop: async () => {
      stopping.abort();
      unsubscribe();
      unlost();
      waker.wake();
      await controlled;
      if (options.only === undefined) await sharing.leave().catch(() => undefined); // then the row runs out
      await Promise.all(allWatchdogs().map(({ lane }) => lane.stop()));
      signals.publish('registry', LEASES_FREED);
      for (const runner of runners.values()) await runner.task;
      await remains.stop();
      await Promise.all([...sources.values()].map((source) => source.close()));
      leases.close();
      announcer.close();
    },
  };
};

const prepareTables = (pool: Pool, instance: Instance, projection: Projection): Promise<void> =>
  withRegistry(pool, instance.name, async (existing, client) => {
    const now = existing.find((one) => one.schemaName === instance.schemaName);
    if (now?.hasTables === false) await createTables(client, now, projection);
  });

/** The most worrying first. */
const BY_WORRY: readonly LaneState[] = ['stuck', 'failed', 'behind', 'starting', 'working', 'idle', 'not-owner'];

/** Of all lanes; a rebuild that stopped is in the detail and does not make the service unwell, its live instance serves on. */
const healthOf = (watchdogs: readonly Watchdog[]): ProjectorHealth => {
  const serving = watchdogs.filter(({ lane }) => !isPending(lane.instance));
  const worst = serving.toSorted((a, b) => BY_WORRY.indexOf(a.state) - BY_WORRY.indexOf(b.state))[0];
  return {
    state: worst?.state ?? 'starting',
    lastProgressAt: serving.reduce<number | null>(
      (last, { lane }) => (lane.lastProgressAt === null ? last : Math.max(last ?? 0, lane.lastProgressAt)),
      null,
    ),
    waitingOn: worst?.lane.waitingOn ?? null,
    detail: Object.fromEntries(
      watchdogs.map((watchdog) => [
        `${watchdog.lane.instance.schemaName}${watchdog.lane.shard === 0 ? '' : `#${watchdog.lane.shard}`}`,
        {
          projection: watchdog.lane.instance.name,
          instance: watchdog.lane.instance.state,
          state: watchdog.state,
          position: watchdog.lane.position,
          lag: watchdog.lag,
          rate: Math.round(watchdog.rate),
          parked: watchdog.lane.parkedCount,
          waitingOn: watchdog.lane.waitingOn,
        },
      ]),
    ),
  };
};
