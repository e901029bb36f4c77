/** What the live stream tells of itself at `/metrics`. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export interface Measures {
  readonly refused: Counter;
  readonly closed: Counter<'reason'>;
  readonly delay: Histogram;
}

export const createMeasures = (
  registers: readonly Registry[],
  now: { readonly connections: () => number; readonly users: () => number; readonly delivered: () => number },
): Measures => {
  const common = { registers: [...registers] };
  const gauge = (name: string, help: string, value: () => number): Gauge =>
    new Gauge({
      ...common,
      name,
      help,
      collect() {
        this.set(value());
      },
    });
  gauge('tidings_sse_connections', 'Open live streams', now.connections);
  gauge('tidings_sse_users', 'Users with an open live stream', now.users);
  let counted = 0;
  new Counter({
    ...common,
    name: 'tidings_sse_delivered_total',
    help: 'Events handed to live streams as they happened',
    collect() {
      this.inc(now.delivered() - counted);
      counted = now.delivered();
    },
  });
  return {
    refused: new Counter({ ...common, name: 'tidings_sse_refused_total', help: 'Live streams refused because too many were open' }),
    closed: new Counter({
      ...common,
      name: 'tidings_sse_closed_total',
      help: 'Live streams that ended, by reason',
      labelNames: ['reason'],
    }),
    delay: new Histogram({
      ...common,
      name: 'tidings_sse_delay_seconds',
      help: 'From the recording of an event to its handing out',
      buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5, 30],
    }),
  };
};
