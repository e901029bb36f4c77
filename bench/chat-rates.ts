/**
 * How many messages a second are taken, and how long each takes from its scheduled time to the last member's SSE, as the rate grows: the load of
 * the chat bench at fixed rates, one after the other in the same program. Baseline: a plain insert with NOTIFY at each rate.
 */
import { insertAndNotify } from './chat-notify.ts';
import type { ChatLoad, ChatResult, Latency } from './chat-load.ts';
import { inProcess, withTalkers } from './chat-program.ts';
import type { Bench, Figure } from './harness.ts';
import { withPostgres } from './postgres.ts';

/** Messages a second. */
const RATES = (process.env['BENCH_RATES'] ?? '100,500,1000,1500').split(',').map(Number);
const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 15);
const WARM_UP_SECONDS = 3;
const USERS = 200;

export const chatRatesBench: Bench = {
  name: 'chat-rates',
  run: async (say) => {
    const measured = await withTalkers(USERS * RATES.length, async (program, talkers) => {
      const results: ChatResult[] = [];
      for (const [index, rate] of RATES.entries()) {
        const users = talkers.slice(index * USERS, (index + 1) * USERS); // who have no rooms yet
        const load: ChatLoad = { url: program.httpUrl, users, rate, seconds: SECONDS, warmupSeconds: WARM_UP_SECONDS };
        const result = await inProcess<ChatResult>(new URL('./chat-load.ts', import.meta.url), load);
        say(`${rate}/s: ${note(result)}; p99 ${result.sse.p99.toFixed(1)} ms`);
        results.push(result);
      }
      return results;
    });
    const plain = await withPostgres(async (url) => {
      const results: Latency[] = [];
      for (const rate of RATES) results.push(await insertAndNotify(url, rate, SECONDS));
      return results;
    });
    return RATES.flatMap((rate, index) => figures(rate, measured[index], plain[index]));
  },
};

const note = ({ sse, post, delivered, expected, failed }: ChatResult): string =>
  `p50 ${sse.p50.toFixed(1)} ms, p95 ${sse.p95.toFixed(1)} ms; POST answered p99 ${post.p99.toFixed(1)} ms; ${delivered} of ${expected} deliveries, ${failed} failed sends`;

const figures = (rate: number, result: ChatResult | undefined, plain: Latency | undefined): readonly Figure[] => {
  if (result === undefined || plain === undefined) return [];
  const complete = result.delivered === result.expected && result.failed === 0;
  const scheduled = rate.toLocaleString('en-US');
  return [
    { what: `chat at ${scheduled} messages/s: accepted`, unit: 'messages/s', value: result.accepted, must: null, baseline: null },
    {
      what: `… POST → every member’s SSE, p99`,
      unit: 'ms',
      value: complete ? result.sse.p99 : Number.POSITIVE_INFINITY,
      must: null,
      baseline: { what: 'Postgres insert + NOTIFY, p99 ms', value: plain.p99 },
      note: note(result),
    },
  ];
};
