/** Chooses an adapter for every port. The only place that does. */
import { openBlobs } from '@tidings/infra/blobs/open';
import { createCommands } from '@tidings/infra/commands/create-commands';
import type { Config } from '@tidings/infra/config/config';
import type { OpenSearchSettings } from '@tidings/infra/config/opensearch';
import { openLog } from '@tidings/infra/event-log/open';
import { createEventStore } from '@tidings/infra/event-store/store';
import { openPool, openReadPool } from '@tidings/infra/postgres/pools';
import { createPositionFeed, type PositionFeed } from '@tidings/infra/projector/announce';
import { createFreshness } from '@tidings/infra/projector/freshness';
import { createLiveSchema } from '@tidings/infra/projector/live-schema';
import { postgresSignals } from '@tidings/infra/signals/postgres';
import { postgresSubjectKeys } from '@tidings/infra/subject-keys/postgres';
import { createLogger } from '@tidings/infra/telemetry/logger';
import { createMetrics } from '@tidings/infra/telemetry/metrics';
import { startTracing } from '@tidings/infra/telemetry/spans';
import type { Logger } from 'pino';
import type { Platform } from './platform.ts';
import { traceAppends } from './trace-appends.ts';

export interface OpenOptions {
  /** Names this process in logs, metrics and `pg_stat_activity`: `api`, `projector`, `smtp`. */
  readonly process: string;
  /** Instead of one that writes to standard error. */
  readonly logger?: Logger;
  /** Connections for reading and for the runtime; default 10 each. */
  readonly connections?: number;
}

/** With positions of projections in this very process, which `startProjector` announces and `freshness` hears. */
export interface OpenedPlatform extends Platform {
  readonly feed: PositionFeed;
}

/** Connections for `often`: their statements take a fraction of a millisecond. */
const OFTEN = 3;

/** Its client is large, and loaded by who needs it. */
const openIndex = async (settings: OpenSearchSettings) => (await import('@tidings/infra/word-index/opensearch')).openSearchIndex(settings);

/**
 * Needs an up-to-date schema (`migrate`).
 * @throws when `config.databaseUrl` is null or the database cannot be reached
 */
export const openPlatform = async (config: Config, options: OpenOptions): Promise<OpenedPlatform> => {
  const { process, connections = 10 } = options;
  const { databaseUrl: url } = config;
  if (url === null) throw new Error('a platform needs DATABASE_URL; "tidings serve" sets it for the embedded Postgres');
  const logger = options.logger ?? createLogger({ level: config.logLevel, process });
  const metrics = createMetrics(process);
  const opened: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (const end of opened.splice(0).toReversed()) await end();
  };
  try {
    if (config.otlpEndpoint !== null) opened.push(await startTracing(config.otlpEndpoint, config.processes === 'one' ? 'one' : process));
    const pool = openPool({ url, name: `tidings ${process}`, max: connections, logger });
    opened.push(() => pool.end());
    const read = await openReadPool({ url, name: `tidings ${process} read`, max: connections, logger });
    opened.push(() => read.end());
    const often = await openReadPool({ url, name: `tidings ${process} often`, max: OFTEN, logger, onePlan: true });
    opened.push(() => often.end());
    const signals = postgresSignals({ url, logger });
    opened.push(() => signals.close());
    const log = await openLog(config.eventLog, { url, logger, signals });
    opened.push(() => log.close());
    const keys = postgresSubjectKeys({ pool });
    const events = traceAppends(createEventStore(log, keys));
    const { blobs } = await openBlobs(config.blobs, { pool, besideLog: config.eventLog.type === 'postgres', logger });
    const wordIndex = config.openSearch === null ? null : await openIndex(config.openSearch);
    opened.push(async () => wordIndex?.close());
    const live = await createLiveSchema(pool, signals);
    opened.push(() => live.close());
    const feed = createPositionFeed();
    const freshness = createFreshness({ pool, live, signals, feed });
    opened.push(() => freshness.close());
    return {
      config,
      logger,
      metrics,
      log,
      events,
      commands: createCommands(events),
      keys,
      blobs,
      wordIndex,
      signals,
      read,
      often,
      pool,
      liveSchema: live.schemaOf,
      changingReadModels: live.changing,
      freshness,
      feed,
      now: Date.now,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
};
