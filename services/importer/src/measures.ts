/** What Prometheus sees of imports. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { BatchOutcome } from './file-batch.ts';

export interface Measures {
  batch(outcome: BatchOutcome): void;
  running(imports: number): void;
  failed(): void;
  close(): void;
}

export const createMeasures = (registry: Registry): Measures => {
  const mails = new Counter({
    name: 'tidings_import_mails_total',
    help: 'Mails of imports by what became of them',
    labelNames: ['outcome'],
    registers: [registry],
  });
  const running = new Gauge({ name: 'tidings_imports_running', help: 'Imports that this node works at', registers: [registry] });
  const failures = new Counter({
    name: 'tidings_import_failures_total',
    help: 'Times that an import had to start over',
    registers: [registry],
  });
  return {
    batch: ({ filed, duplicates, failures: lost }) => {
      mails.inc({ outcome: 'filed' }, filed);
      mails.inc({ outcome: 'duplicate' }, duplicates);
      mails.inc({ outcome: 'failed' }, lost.length);
    },
    running: (imports) => running.set(imports),
    failed: () => failures.inc(),
    close: () => {
      for (const name of ['tidings_import_mails_total', 'tidings_imports_running', 'tidings_import_failures_total'])
        registry.removeSingleMetric(name);
    },
  };
};
