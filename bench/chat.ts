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
import { cpuPerMessage, cpuTimes } from './chat-cpu.ts';
import type { ChatLoad, ChatResult } from './chat-load.ts';

const RATE = 1000;
const SECONDS = 20;
const WARM_UP_SECONDS = 5;
const USERS = 200;

interface Measured extends ChatResult {
  /** Processor milliseconds per message, warm-up and sign-in included. */
  readonly cpu: ReturnType<typeof cpuPerMessage>;
}

export const chatBench: Bench = {
  name: 'chat',
  run: async (say) => {
    const measured = await measureTidings();
    say(
      `Tidings: ${measured.delivered} of ${measured.expected} deliveries, ${measured.failed} failed sends, p50 ${measured.sse.p50.toFixed(1)} ms, p99 ${measured.sse.p99.toFixed(1)} ms`,
    );
    for (const [name, ms] of measured.cpu) say(`${name}: ${ms.toFixed(3)} ms of CPU a message`);
    const baseline = await measureNotify();
    say(`Postgres insert + NOTIFY: p50 ${baseline.p50.toFixed(1)} ms, p99 ${baseline.p99.toFixed(1)} ms`);
    return figures(measured, baseline);
  },
};

const figures = (measured: Measured, baseline: { readonly p50: number; readonly p99: number }): readonly Figure[] => {
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
    {
      what: '… CPU a message, all processes and Postgres, without the load generator',
      unit: 'ms',
      value: measured.cpu.reduce((sum, [, ms]) => sum + ms, 0),
      must: null,
      baseline: null,
      note: measured.cpu
        .slice(0, 6)
        .map(([name, ms]) => `${name} ${ms.toFixed(2)}`)
        .join(', '),
    },
  ];
};

const measureTidings = async (): Promise<Measured> => {
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
    const load: ChatLoad = { url: program.httpUrl, users, rate: RATE, seconds: SECONDS, warmupSeconds: WARM_UP_SECONDS };
    child.send(load);
    const { embeddedUrl } = program.running;
    if (embeddedUrl === null) throw new Error('the program has no Postgres of its own');
    const before = await cpuTimes(program.pid, embeddedUrl);
    const [result] = (await once(child, 'message')) as [ChatResult];
    const cpu = cpuPerMessage(before, await cpuTimes(program.pid, embeddedUrl), RATE * (SECONDS + WARM_UP_SECONDS));
    child.kill();
    return { ...result, cpu };
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
