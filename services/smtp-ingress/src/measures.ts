/** What Prometheus sees of the door. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export interface Measures {
  /** Call the result when the mail was accepted. */
  started(): (bytes: number) => void;
  refused(enhancedCode: string): void;
  watchSessions(count: () => number): void;
  close(): void;
}

export const createMeasures = (registry: Registry): Measures => {
  const accepted = new Counter({ name: 'tidings_smtp_mails_accepted_total', help: 'Mails that were answered 250', registers: [registry] });
  const bytes = new Counter({ name: 'tidings_smtp_bytes_accepted_total', help: 'Bytes of accepted mails', registers: [registry] });
  const refusals = new Counter({
    name: 'tidings_smtp_refusals_total',
    help: 'Refused sessions, recipients and mails by enhanced status code',
    labelNames: ['code'],
    registers: [registry],
  });
  const seconds = new Histogram({
    name: 'tidings_smtp_accept_seconds',
    help: 'From DATA to 250',
    buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
    registers: [registry],
  });
  const names = [
    'tidings_smtp_mails_accepted_total',
    'tidings_smtp_bytes_accepted_total',
    'tidings_smtp_refusals_total',
    'tidings_smtp_accept_seconds',
    'tidings_smtp_sessions',
  ];
  return {
    started: () => {
      const stop = seconds.startTimer();
      return (size) => {
        stop();
        accepted.inc();
        bytes.inc(size);
      };
    },
    refused: (code) => refusals.inc({ code }),
    watchSessions: (count) => {
      void new Gauge({
        name: 'tidings_smtp_sessions',
        help: 'Open SMTP sessions',
        registers: [registry],
        collect() {
          this.set(count());
        },
      });
    },
    close: () => names.forEach((name) => registry.removeSingleMetric(name)),
  };
};
