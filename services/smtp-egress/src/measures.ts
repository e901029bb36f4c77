/** What Prometheus sees of egress. */
import type { Outcome } from '@tidings/domain/outbound/index';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { AGES, type QueueSize } from './due-table.ts';

export interface Measures {
  /** @param seconds since the mail was queued */
  recorded(outcomes: readonly Outcome[], seconds: number): void;
  transmitted(seconds: number): void;
  /** Recipients of whom nobody knows whether they have it, because a sender ended. */
  orphaned(recipients: number): void;
  queue(shard: number, size: QueueSize, inHand: { readonly recipients: number; readonly running: number }): void;
  close(): void;
}

export const createMeasures = (registry: Registry): Measures => {
  const registers = [registry];
  const outcomes = new Counter({
    name: 'tidings_egress_recipients_total',
    help: 'Recipients by what became of a try: delivered, internal, deferred, held, failed, unknown',
    labelNames: ['outcome'],
    registers,
  });
  const protection = new Counter({
    name: 'tidings_egress_delivered_recipients_total',
    help: 'Recipients that other servers took mail for, by what the connection was: plain, opportunistic (TLS as it comes), verified, mta-sts, dane',
    labelNames: ['tls'],
    registers,
  });
  const delay = new Histogram({
    name: 'tidings_egress_delay_seconds',
    help: 'From queued to delivered, per transmission',
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300, 3600, 86400],
    registers,
  });
  const transmission = new Histogram({
    name: 'tidings_egress_transmission_seconds',
    help: 'How long tries take',
    buckets: [0.05, 0.1, 0.5, 1, 5, 30, 120, 600],
    registers,
  });
  const byAge = new Gauge({
    name: 'tidings_egress_queue_recipients',
    help: 'Recipients for whom something is still to happen, by the age of their mail',
    labelNames: ['shard', 'age'],
    registers,
  });
  const byDomain = new Gauge({
    name: 'tidings_egress_queue_domain_recipients',
    help: 'The same for the domains with the most of them',
    labelNames: ['shard', 'domain'],
    registers,
  });
  const running = new Gauge({ name: 'tidings_egress_running', help: 'Tries under way', labelNames: ['shard'], registers });
  /** The domains that were counted last. */
  const told = new Map<number, readonly string[]>();
  return {
    recorded: (those, seconds) => {
      for (const outcome of those) {
        outcomes.inc({ outcome: nameOf(outcome) }, outcome.recipients.length);
        if (outcome.type === 'delivered') protection.inc({ tls: protectionOf(outcome.tls) }, outcome.recipients.length);
        if (outcome.type === 'delivered' || outcome.type === 'internal') delay.observe(seconds);
      }
    },
    transmitted: (seconds) => transmission.observe(seconds),
    orphaned: (recipients) => outcomes.inc({ outcome: 'unknown' }, recipients),
    queue: (shard, { ages, domains }, inHand) => {
      const known = new Map(ages.map(({ age, recipients }) => [age, recipients]));
      for (const age of AGES) byAge.set({ shard: String(shard), age }, known.get(age) ?? 0);
      for (const domain of told.get(shard) ?? []) byDomain.remove({ shard: String(shard), domain });
      for (const { domain, recipients } of domains) byDomain.set({ shard: String(shard), domain }, recipients);
      told.set(
        shard,
        domains.map(({ domain }) => domain),
      );
      running.set({ shard: String(shard) }, inHand.running);
    },
    close: () => {
      for (const name of NAMES) registry.removeSingleMetric(name);
    },
  };
};

const nameOf = (outcome: Outcome): string => (outcome.type === 'deferred' && !outcome.attempted ? 'held' : outcome.type);

/** `TLSv1.3 dane` and the like (smtp-session). */
const protectionOf = (tls: string | null): string => (tls === null ? 'plain' : (tls.split(' ')[1] ?? 'opportunistic'));

const NAMES = [
  'tidings_egress_delivered_recipients_total',
  ...['tidings_egress_recipients_total', 'tidings_egress_delay_seconds', 'tidings_egress_transmission_seconds'],
  ...['tidings_egress_queue_recipients', 'tidings_egress_queue_domain_recipients', 'tidings_egress_running'],
];
