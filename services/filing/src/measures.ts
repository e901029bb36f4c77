/** What Prometheus sees of filing. */
import { msOf } from '@tidings/contracts/time';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { PageItem, PageResult } from './file-page.ts';

export interface Measures {
  filed(items: readonly PageItem[], result: PageResult, now: number): void;
  /** How many mails of a shard wait for a checker. */
  pending(shard: number, mails: number): void;
  failed(): void;
  close(): void;
}

export const createMeasures = (registry: Registry): Measures => {
  const outcomes = new Counter({
    name: 'tidings_filing_emails_total',
    help: 'Mails per mailbox by what became of them',
    labelNames: ['outcome'],
    registers: [registry],
  });
  const reports = new Counter({
    name: 'tidings_mail_reports_total',
    help: 'Recipients by what came back about mail that went out: failed, delayed, delivered, relayed, expanded, complaint',
    labelNames: ['kind'],
    registers: [registry],
  });
  const failures = new Counter({ name: 'tidings_filing_failures_total', help: 'Times that filing started over', registers: [registry] });
  const delay = new Histogram({
    name: 'tidings_filing_delay_seconds',
    help: 'From EmailReceived to filed in every mailbox',
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300],
    registers: [registry],
  });
  const pending = new Gauge({
    name: 'tidings_filing_pending_mails',
    help: 'Mails per mailbox that wait for a checker which does not answer',
    labelNames: ['shard'],
    registers: [registry],
  });
  return {
    pending: (shard, mails) => pending.set({ shard: String(shard) }, mails),
    filed: (items, result, now) => {
      outcomes.inc({ outcome: 'filed' }, result.filed);
      outcomes.inc({ outcome: 'duplicate' }, result.duplicates);
      outcomes.inc({ outcome: 'dropped' }, result.unwanted);
      for (const report of result.reports)
        reports.inc({ kind: report.type === 'fate' ? report.fate : report.type }, report.recipients.length);
      outcomes.inc({ outcome: 'pending' }, result.pending.length);
      outcomes.inc({ outcome: 'set-aside' }, result.setAside.length);
      for (const item of items) if ('understood' in item) delay.observe(Math.max(0, now - msOf(item.event.recordedAt)) / 1000);
    },
    failed: () => failures.inc(),
    close: () => {
      for (const name of [
        'tidings_filing_emails_total',
        'tidings_mail_reports_total',
        'tidings_filing_failures_total',
        'tidings_filing_delay_seconds',
        'tidings_filing_pending_mails',
      ])
        registry.removeSingleMetric(name);
    },
  };
};
