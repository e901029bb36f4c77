/**
 * Each process writes a row every two seconds: how its services are. Its metrics, which are much more, it writes there when they are asked for. One HTTP
 * process then answers for all.
 */
import { setTimeout as delay } from 'node:timers/promises';
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
  platform: Pick<Platform, 'pool' | 'config' | 'logger' | 'metrics' | 'signals'>,
  process: string,
  services: readonly Service[],
): { readonly stop: () => Promise<void> } => {
  const { pool, config, logger, metrics, signals } = platform;
  let failing = false;
  let writing: Promise<void> = Promise.resolve();

  const write = async (withMetrics: boolean): Promise<void> => {
    try {
      const measured = withMetrics ? JSON.stringify(await metrics.getMetricsAsJSON()) : null;
      await pool.query(
        `insert into ops.heartbeat as old (node, process, services, metrics, beaten_at, measured_at)
         values ($1, $2, $3, coalesce($4::jsonb, '[]'), clock_timestamp(), case when $4 is null then '-infinity' else clock_timestamp() end)
         on conflict (node, process) do update
           set services = excluded.services, beaten_at = excluded.beaten_at, measured_at = greatest(old.measured_at, excluded.measured_at),
               metrics = case when $4 is null then old.metrics else excluded.metrics end`,
        [config.nodeName, process, JSON.stringify(report(services)), measured],
      );
      failing = false;
    } catch (error) {
      if (!failing) logger.warn({ err: error }, 'this process could not say that it is alive; it goes on trying');
      failing = true;
    }
  };
  let isMeasureDue = false;
  /** However many ask before it is begun, it is done once. */
  const measure = (): void => {
    if (isMeasureDue) return;
    isMeasureDue = true;
    writing = writing.then(() => {
      isMeasureDue = false;
      return write(true);
    });
  };
  measure();
  const unsubscribe = signals.subscribe('metrics', (node) => {
    if (node === config.nodeName) measure();
  });
  const timer = setInterval(() => void (writing = writing.then(() => write(false))), BEAT_MS);

  return {
    stop: async () => {
      clearInterval(timer);
      unsubscribe();
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

/** How long the page waits for processes that do not answer: one that hangs is told of as it was. */
const ANSWER_MS = 1_000;
const LOOK_MS = 20;

/** Of this node's other processes, as of now: each node's metrics page speaks for that node. */
export const readMetrics = async (
  { pool, config, signals }: Pick<Platform, 'pool' | 'config' | 'signals'>,
  ownProcess: string,
): Promise<readonly ReportedMetrics[]> => {
  const { rows: clock } = await pool.query<{ now: string }>('select clock_timestamp()::text as now');
  signals.publish('metrics', config.nodeName);
  const giveUpAt = performance.now() + ANSWER_MS;
  for (;;) {
    const { rows } = await pool.query<{ silent: number }>(
      `select count(*)::integer as silent from ops.heartbeat where ${FRESH} and measured_at < $4::timestamptz`,
      [config.nodeName, ownProcess, FRESH_MS / 1000, clock[0]?.now],
    );
    if ((rows[0]?.silent ?? 0) === 0 || performance.now() > giveUpAt) break;
    await delay(LOOK_MS);
  }
  const { rows } = await pool.query<{ metrics: ReportedMetrics }>(`select metrics from ops.heartbeat where ${FRESH}`, [
    config.nodeName,
    ownProcess,
    FRESH_MS / 1000,
  ]);
  return rows.map((row) => row.metrics);
};

const FRESH = 'node = $1 and process <> $2 and beaten_at > clock_timestamp() - make_interval(secs => $3)';
