/** What operators see of the relay. */
import type { EventLog, Position } from '@tidings/contracts/ports/event-log';
import { Counter, Gauge, type Registry } from 'prom-client';

export interface Measures {
  readonly sent: (shard: number, events: number, upTo: Position) => void;
  /** Takes the figures away. */
  readonly close: () => void;
}

export const createMeasures = (registry: Registry, log: Pick<EventLog, 'head' | 'distance'>): Measures => {
  const registers = [registry];
  const published = new Map<number, Position>();
  const events = new Counter({ name: 'tidings_relay_events_total', help: 'Events published to Kafka', registers });
  const lag: Gauge<'shard'> = new Gauge({
    name: 'tidings_relay_lag_events',
    help: 'Events of the log that this process has yet to publish, for the shards it owns; none where positions have gaps',
    labelNames: ['shard'],
    registers,
    collect: async () => {
      for (const [shard, position] of published) {
        const behind = await log.head(shard).then(
          (head) => log.distance(position, head),
          () => null, // the log is away: others say so
        );
        if (behind !== null) lag.set({ shard: String(shard) }, Math.max(0, behind));
      }
    },
  });
  return {
    sent: (shard, count, upTo) => {
      events.inc(count);
      published.set(shard, upTo);
    },
    close: () => {
      for (const name of ['tidings_relay_events_total', 'tidings_relay_lag_events']) registry.removeSingleMetric(name);
    },
  };
};
