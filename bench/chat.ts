/**
 * Chat end to end: POST → every member's SSE, open loop (messages leave on a fixed schedule whether or not earlier ones were answered, and
 * latency counts from the scheduled time), to rooms of two. Baseline: a plain Postgres insert with commit and NOTIFY to one listener, same rate.
 */
import { cpuPerMessage, cpuTimes } from './chat-cpu.ts';
import type { ChatLoad, ChatResult } from './chat-load.ts';
import { insertAndNotify } from './chat-notify.ts';
import { inProcess, withTalkers } from './chat-program.ts';
import type { Bench, Figure } from './harness.ts';
import { withPostgres } from './postgres.ts';

const RATE = 1000;
const SECONDS = 20;
/** Until V8 has compiled what is hot, which on a full machine is work beside the messages: a server that has been up for a while is what is measured. */
const WARM_UP_SECONDS = 15;
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
    const baseline = await withPostgres((url) => insertAndNotify(url, RATE, SECONDS));
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

const measureTidings = (): Promise<Measured> =>
  withTalkers(USERS, async (program, users) => {
    const { embeddedUrl } = program.running;
    if (embeddedUrl === null) throw new Error('the program has no Postgres of its own');
    const load: ChatLoad = { url: program.httpUrl, users, rate: RATE, seconds: SECONDS, warmupSeconds: WARM_UP_SECONDS };
    const before = await cpuTimes(program.pid, embeddedUrl);
    const result = await inProcess<ChatResult>(new URL('./chat-load.ts', import.meta.url), load);
    const cpu = cpuPerMessage(before, await cpuTimes(program.pid, embeddedUrl), RATE * (SECONDS + WARM_UP_SECONDS));
    return { ...result, cpu };
  });
