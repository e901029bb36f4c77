/** Baseline of the chat benches: a plain Postgres insert with commit and NOTIFY to one listener, open loop at the same rate. */
import pg from 'pg';
import { percentile, sortedCopy } from './harness.ts';
import type { Latency } from './chat-load.ts';

/** From the scheduled time of each insert to its notification. */
export const insertAndNotify = async (url: string, rate: number, seconds: number): Promise<Latency> => {
  const pool = new pg.Pool({ connectionString: url, max: 16 });
  // The server stops right behind us, and a connection that is still saying goodbye would report it.
  pool.on('error', (error) => {
    if (!pool.ending) throw error;
  });
  const listener = new pg.Client({ connectionString: url });
  await listener.connect();
  await listener.query('listen bench');
  await pool.query('create table if not exists message (id bigint generated always as identity primary key, body text not null)');
  const total = rate * seconds;
  const latencies: number[] = [];
  const start = performance.now() + 100;
  const done = new Promise<void>((resolve) => {
    listener.on('notification', ({ payload }) => {
      latencies.push(performance.now() - (start + (Number(payload) * 1000) / rate));
      if (latencies.length === total) resolve();
    });
  });
  let sent = 0;
  const timer = setInterval(() => {
    const due = Math.min(total, Math.floor(((performance.now() - start) * rate) / 1000));
    for (; sent < due; sent++) {
      void pool.query({
        name: 'send',
        text: "with m as (insert into message (body) values ($2)) select pg_notify('bench', $1)",
        values: [String(sent), 'x'.repeat(100)],
      });
    }
    if (sent === total) clearInterval(timer);
  }, 1);
  await done;
  await listener.end();
  await pool.end();
  const sorted = sortedCopy(latencies);
  return { p50: percentile(sorted, 0.5), p95: percentile(sorted, 0.95), p99: percentile(sorted, 0.99) };
};
