/** Prometheus metrics of the projector. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Instance } from './registry.ts';
import type { Watchdog } from './watchdog.ts';

export interface ProjectorMetrics {
  /** A page of `events` was committed in `ms`. */
  page(instance: Instance, events: number, ms: number): void;
  /** Its lease came here or went elsewhere. */
  moved(instance: Instance, way: 'taken' | 'given' | 'lost'): void;
}

const labelNames = ['projection', 'version', 'generation'] as const;
const labelsOf = (instance: Instance): Record<(typeof labelNames)[number], string> => ({
  projection: instance.name,
  version: String(instance.version),
  generation: String(instance.generation),
});

/** @param watchdogs the lanes of this moment, asked for at each scrape */
export const createProjectorMetrics = (registry: Registry, watchdogs: () => Iterable<Watchdog>): ProjectorMetrics => {
  const registers = [registry];
  const gauge = (name: string, help: string, read: (watchdog: Watchdog) => number | null): void => {
    const metric: Gauge<(typeof labelNames)[number] | 'shard'> = new Gauge({
      name,
      help,
      registers,
      labelNames: [...labelNames, 'shard'],
      collect: () => {
        metric.reset();
        for (const watchdog of watchdogs()) {
          const value = read(watchdog);
          if (value !== null && watchdog.lane.owned) metric.set({ ...labelsOf(watchdog.lane.instance), shard: watchdog.lane.shard }, value);
        }
      },
    });
  };
  gauge('tidings_projection_lag_events', 'Events of the log not yet passed by the projection', (watchdog) => watchdog.lag);
  gauge('tidings_projection_owned', '1 for what this process has the lease of', () => 1);
  gauge('tidings_projection_rate_events', 'Events of the log passed per second, smoothed', (watchdog) => watchdog.rate);
  gauge('tidings_projection_parked_streams', 'Streams set aside because they cannot be applied', (watchdog) => watchdog.lane.parkedCount);
  gauge('tidings_projection_stuck', '1 when the projection stands still although there is work', (watchdog) =>
    watchdog.state === 'stuck' || watchdog.state === 'failed' ? 1 : 0,
  );
  const applied = new Counter({ name: 'tidings_projection_events_total', help: 'Events applied', registers, labelNames });
  const pageEvents = new Histogram({
    name: 'tidings_projection_page_events',
    help: 'Events per page',
    registers,
    labelNames,
    buckets: [1, 5, 20, 100, 500, 2_000, 5_000],
  });
  const pageSeconds = new Histogram({
    name: 'tidings_projection_page_seconds',
    help: 'Time to apply and commit a page',
    registers,
    labelNames,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
  });
  const moves = new Counter({
    name: 'tidings_projection_rebalances_total',
    help: 'Leases that this process took, gave up for others to have their share, or lost',
    registers,
    labelNames: [...labelNames, 'way'],
  });
  return {
    moved: (instance, way) => moves.inc({ ...labelsOf(instance), way }),
    page: (instance, events, ms) => {
      const labels = labelsOf(instance);
      applied.inc(labels, events);
      pageEvents.observe(labels, events);
      pageSeconds.observe(labels, ms / 1_000);
    },
  };
};
