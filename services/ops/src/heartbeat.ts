/** Each process writes a row every two seconds: how its services are, and its metrics. One HTTP process then answers for all. */
import type { MetricObjectWithValues, MetricValue } from 'prom-client';
import type { Platform, Service, ServiceHealth } from '../../platform/src/platform.ts';

const BEAT_MS = 2_000;
/** Older rows say nothing of the present. */
export const FRESH_MS = 10_000;

export interface ReportedService extends ServiceHealth {
  readonly name: string;
}
export type ReportedMetrics = MetricObjectWithValues<MetricValue<string>>[];

export interface Heartbeat {
  readonly node: string;
  readonly process: string;
  readonly services: readonly ReportedService[];
  readonly ageMs: number;
}

export const report = (services: readonly Service[]): readonly ReportedService[] =>
  services.map((service) => ({ name: service.name, ...service.health() }));

/**
 * @param process names this process on its node: `api`, `projector`, `smtp`
 * @returns stops, and takes the row away: whoever stops on purpose is not missing
 */
export const startHeartbeat = (
  platform: Pick<Platform, 'pool' | 'config' | 'logger' | 'metrics'>,
  process: string,
  services: readonly Service[],
): { readonly stop: () => Promise<void> } => {
  const { pool, config, logger, metrics } = platform;
  let failing = false;
  let writing: Promise<void> = Promise.resolve();

  const beat = async (): Promise<void> => {
    try {
      await pool.query(
        `insert into ops.heartbeat (node, process, services, metrics, beaten_at) values ($1, $2, $3, $4, clock_timestamp())
         on conflict (node, process) do update
           set services = excluded.services, metrics = excluded.metrics, beaten_at = excluded.beaten_at`,
        [config.nodeName, process, JSON.stringify(report(services)), JSON.stringify(await metrics.getMetricsAsJSON())],
      );
      failing = false;
    } catch (error) {
      if (!failing) logger.warn({ err: error }, 'this process could not say that it is alive; it goes on trying');
      failing = true;
    }
  };
  const next = (): void => void (writing = writing.then(beat));
  next();
  const timer = setInterval(next, BEAT_MS);

  return {
    stop: async () => {
      clearInterval(timer);
      await writing;
      await pool
        .query('delete from ops.heartbeat where node = $1 and process = $2', [config.nodeName, process])
        .catch((error: unknown) => logger.warn({ err: error }, 'the heartbeat row could not be removed'));
    },
  };
};

export const readHeartbeats = async (platform: Pick<Platform, 'pool'>): Promise<readonly Heartbeat[]> => {
  const { rows } = await platform.pool.query<Heartbeat>(
    `select node, process, services, extract(epoch from clock_timestamp() - beaten_at)::float8 * 1000 as "ageMs"
     from ops.heartbeat order by node, process`,
  );
  return rows;
};

/** Of this node's other processes: each node's metrics page speaks for that node. */
export const readMetrics = async (platform: Pick<Platform, 'pool' | 'config'>, ownProcess: string): Promise<readonly ReportedMetrics[]> => {
  const { rows } = await platform.pool.query<{ metrics: ReportedMetrics }>(
    `select metrics from ops.heartbeat
     where node = $1 and process <> $2 and beaten_at > clock_timestamp() - make_interval(secs => $3)`,
    [platform.config.nodeName, ownProcess, FRESH_MS / 1000],
  );
  return rows.map((row) => row.metrics);
};
