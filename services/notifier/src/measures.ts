/** What Prometheus sees of the notifier. */
import { Counter, Histogram, type Registry } from 'prom-client';

export type Channel = 'webhook' | 'web-push' | 'kafka';
export type Outcome = 'taken' | 'failed' | 'given-up' | 'gone';

export interface Measures {
  called(channel: Channel, outcome: Outcome, times?: number): void;
  /** Taken so long after the event. */
  took(channel: Channel, ms: number): void;
  heard(outcome: 'sent' | 'refused'): void;
  startedOver(): void;
  close(): void;
}

export const createMeasures = (registry: Registry): Measures => {
  const registers = [registry];
  const calls = new Counter({
    name: 'tidings_notifier_calls_total',
    help: 'Calls of webhooks, push services and Kafka by what became of them',
    labelNames: ['channel', 'outcome'],
    registers,
  });
  const delay = new Histogram({
    name: 'tidings_notifier_delay_seconds',
    help: 'From an event to its being taken by whom it was told',
    labelNames: ['channel'],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300, 3600, 86_400],
    registers,
  });
  const custom = new Counter({
    name: 'tidings_notifier_kafka_notifications_total',
    help: 'Custom notifications that came by Kafka',
    labelNames: ['outcome'],
    registers,
  });
  const failures = new Counter({ name: 'tidings_notifier_failures_total', help: 'Times that the notifier started over', registers });
  return {
    called: (channel, outcome, times = 1) => calls.inc({ channel, outcome }, times),
    took: (channel, ms) => delay.observe({ channel }, Math.max(0, ms) / 1000),
    heard: (outcome) => custom.inc({ outcome }),
    startedOver: () => failures.inc(),
    close: () => {
      for (const name of ['calls_total', 'delay_seconds', 'kafka_notifications_total', 'failures_total'])
        registry.removeSingleMetric(`tidings_notifier_${name}`);
    },
  };
};
