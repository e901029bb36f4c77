import { derivedId, type EmailId } from '@tidings/contracts/ids';
import { timestamp } from '@tidings/contracts/time';
import type { Outcome } from '@tidings/domain/outbound/index';
import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { createMeasures } from './measures.ts';

const delivered = (recipients: readonly number[], tls: string | null): Outcome => ({
  ...{ type: 'delivered', recipients, host: 'mx.example.org', tls, reply: '250 ok', enhancedCode: null },
});
const deferred = (attempted: boolean): Outcome => ({
  ...{ type: 'deferred', recipients: [0], host: null, reply: '', enhancedCode: null, retryAt: timestamp(0), attempted },
});
const valuesOf = async (registry: Registry, name: string): Promise<Record<string, number>> => {
  const metric = await registry.getSingleMetric(name)?.get();
  return Object.fromEntries((metric?.values ?? []).map(({ labels, value }) => [Object.values(labels).join(' '), value]));
};

it('tells what became of recipients, and how connections to others were protected', async () => {
  const registry = new Registry();
  const measures = createMeasures(registry);
  measures.recorded([delivered([0, 1], null), delivered([2], 'TLSv1.3 opportunistic'), delivered([3], 'TLSv1.3 mta-sts')], 1);
  measures.recorded([delivered([0], 'TLSv1.3 dane'), deferred(true), deferred(false)], 1);
  measures.recorded([{ type: 'internal', recipients: [1], receivedAs: derivedId<EmailId>('test', 1) }], 1);
  expect(await valuesOf(registry, 'tidings_egress_recipients_total')).toEqual({ delivered: 5, deferred: 1, held: 1, internal: 1 });
  expect(await valuesOf(registry, 'tidings_egress_delivered_recipients_total')).toEqual({
    plain: 2,
    opportunistic: 1,
    'mta-sts': 1,
    dane: 1,
  });
});

it('tells what waits by age and domain, of each shard by itself', async () => {
  const registry = new Registry();
  const measures = createMeasures(registry);
  const inHand = { recipients: 3, running: 2 };
  const waiting = (domain: string) => ({ ages: [{ age: '1h', recipients: 3 }], domains: [{ domain, recipients: 3 }] });
  measures.queue(0, waiting('a.example'), inHand);
  measures.queue(1, waiting('b.example'), inHand);
  measures.queue(0, { ages: [{ age: 'older', recipients: 1 }], domains: [{ domain: 'c.example', recipients: 1 }] }, inHand);
  expect(await valuesOf(registry, 'tidings_egress_queue_domain_recipients')).toEqual({ '1 b.example': 3, '0 c.example': 1 });
  expect(await valuesOf(registry, 'tidings_egress_queue_recipients')).toEqual({
    ...{ '0 15m': 0, '0 1h': 0, '0 1d': 0, '0 older': 1 },
    ...{ '1 15m': 0, '1 1h': 3, '1 1d': 0, '1 older': 0 },
  });
  measures.close();
  expect(registry.getMetricsAsArray()).toEqual([]);
});
