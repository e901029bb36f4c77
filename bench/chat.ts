/**
 * Chat end to end: POST → every member's SSE, open loop (messages leave on a fixed schedule whether or not earlier ones were answered, and
 * latency counts from the scheduled time), to rooms of two. Baseline: a plain Postgres insert with commit and NOTIFY to one listener, same rate.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { startIssuer } from '../tests/kit/issuer.ts';
import { startProgram } from '../tests/kit/program.ts';
import { type Bench, type Figure, percentile, sortedCopy } from './harness.ts';
import { withPostgres } from './postgres.ts';
import type { ChatLoad, ChatResult } from './chat-load.ts';

const RATE = 1000;
const SECONDS = 20;
const USERS = 200;

export const chatBench: Bench = {
  name: 'chat',
  run: async (say) => {
    const measured = await measureTidings();
    say(
      `Tidings: ${measured.delivered} of ${measured.expected} deliveries, ${measured.failed} failed sends, p50 ${measured.sse.p50.toFixed(1)} ms, p99 ${measured.sse.p99.toFixed(1)} ms`,
    );
    const baseline = await measureNotify();
    say(`Postgres insert + NOTIFY: p50 ${baseline.p50.toFixed(1)} ms, p99 ${baseline.p99.toFixed(1)} ms`);
    return figures(measured, baseline);
  },
};

const figures = (measured: ChatResult, baseline: { readonly p50: number; readonly p99: number }): readonly Figure[] => {
  const note = `${measured.delivered} of ${measured.expected} deliveries, ${measured.failed} failed sends, ${measured.rate.toFixed(0)} messages/s sent`;
  const complete = measured.delivered === measured.expected && measured.failed === 0;
  return [
    {
      what: 'chat: POST → every member’s SSE, 1,000 messages/s to rooms of 2, p99',
      unit: 'ms',
      value: complete ? measured.sse.p99 : Number.POSITIVE_INFINITY,
      must: { atMost: 50 },
      baseline: { what: 'Postgres insert + NOTIFY, ms', value: baseline.p99 },
      note,
    },
    {
      what: '… p50',
      unit: 'ms',
      value: measured.sse.p50,
      must: null,
      baseline: { what: 'Postgres insert + NOTIFY, ms', value: baseline.p50 },
    },
    { what: '… POST answered (read-your-writes), p99', unit: 'ms', value: measured.post.p99, must: null, baseline: null },
  ];
};

const measureTidings = async (): Promise<ChatResult> => {
  const issuer = await startIssuer();
  const program = await startProgram({ env: { OIDC_ISSUER: issuer.url, RATE_LIMITS: 'off' } });
  try {
    const users = await Promise.all(
      Array.from({ length: USERS }, async (_, index) => {
        const id = randomUUID();
        return { id, token: await issuer.token({ sub: id, name: `User ${index}` }) };
      }),
    );
    const child = fork(new URL('./chat-load.ts', import.meta.url), { serialization: 'advanced' });
    const load: ChatLoad = { url: program.httpUrl, users, rate: RATE, seconds: SECONDS, warmupSeconds: 5 };
    child.send(load);
    const [result] = (await once(child, 'message')) as [ChatResult];
    child.kill();
    return result;
  } finally {
    await program.stop();
    await issuer.close();
  }
};

const measureNotify = (): Promise<{ p50: number; p99: number }> => withPostgres(insertAndNotify);

const insertAndNotify = async (url: string): Promise<{ p50: number; p99: number }> => {
  const pool = new pg.Pool({ connectionString: url, max: 16 });
  const listener = new pg.Client({ connectionString: url });
  await listener.connect();
  await listener.query('listen bench');
  await pool.query('create table message (id bigint generated always as identity primary key, body text not null)');
  const total = RATE * SECONDS;
  const latencies: number[] = [];
  const start = performance.now() + 100;
  const done = new Promise<void>((resolve) => {
    listener.on('notification', ({ payload }) => {
      latencies.push(performance.now() - (start + (Number(payload) * 1000) / RATE));
      if (latencies.length === total) resolve();
    });
  });
  let sent = 0;
  const timer = setInterval(() => {
    const due = Math.min(total, Math.floor(((performance.now() - start) * RATE) / 1000));
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
  return { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99) };
};
