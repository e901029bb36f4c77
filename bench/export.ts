/**
 * The export of somebody who wrote a million messages: over HTTP, from a log that the projector has followed, in one answer. Baseline: the same log
 * read from end to end and thrown away. Memory is that of the process that answers, client included: before, at most while the first tenth came, and
 * at most in all. The last two are near each other where it stays flat.
 */
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { START, type EventLog, type Position } from '@tidings/contracts/ports/event-log';
import { loadConfig } from '@tidings/infra/config/config';
import * as E from 'fp-ts/lib/Either.js';
import { pino } from 'pino';
import { createHttpApp } from '../services/http-kit/src/app.ts';
import { knownPeople, person } from '../services/http-kit/src/testing/known-people.ts';
import { openPlatform } from '../services/platform/src/open.ts';
import { queryApi } from '../services/query-api/src/index.ts';
import { inProcess } from './chat-program.ts';
import type { Bench } from './harness.ts';
import { withPostgres } from './postgres.ts';
import type { SeedOrder } from './timeline-seed.ts';

/** One million is the figure; fewer (BENCH_MESSAGES) for a quick look while working on it. */
const MESSAGES = Number(process.env['BENCH_MESSAGES'] ?? 1_000_000);
const MIB = 2 ** 20;
const SAMPLE_MS = 20;

const author = person('Author');
const service = person('Service', { roles: ['tidings-admin'], isAdmin: true });

export const exportBench: Bench = {
  name: 'export',
  run: (say) =>
    withPostgres(async (url) => {
      const order: SeedOrder = {
        ...{ url, rooms: 1, messages: MESSAGES, models: 'export' },
        ...{ reader: author.userId, everywhere: service.userId, author: author.userId },
      };
      const { fillMs, buildMs } = await inProcess<{ fillMs: number; buildMs: number }>(
        new URL('./timeline-seed.ts', import.meta.url),
        order,
      );
      const what = `${MESSAGES.toLocaleString('en-US')} messages of one user`;
      say(`${what}: written in ${(fillMs / 1000).toFixed(0)} s, read models built in ${(buildMs / 1000).toFixed(0)} s`);
      const config = E.getOrElseW((faults: readonly string[]): never => {
        throw new Error(faults.join('; '));
      })(loadConfig({ DATABASE_URL: url, RATE_LIMITS: 'off' }));
      const platform = await openPlatform(config, { process: 'bench', logger: pino({ level: 'silent' }) });
      const app = createHttpApp(platform, { identity: knownPeople(author, service) });
      try {
        await app.register(queryApi(platform));
        await app.listen({ host: '127.0.0.1', port: 0 });
        const { port } = app.server.address() as AddressInfo; // it listens on TCP
        const path = `http://127.0.0.1:${port}/api/admin/users/${author.userId}/export`;
        const got = await download(path, service.displayName);
        const plain = await readThrough(platform.log); // behind it, for it takes memory of its own
        if (got.lines < MESSAGES) throw new Error(`the export has ${got.lines} lines`);
        const rate = (got.lines * 1000) / got.ms;
        const { before, tenth, most } = got.memory;
        const memory = `${before.toFixed(0)} MiB before, at most ${tenth.toFixed(0)} during the first tenth and ${most.toFixed(0)} in all`;
        say(
          `${what}: ${got.lines} lines, ${Math.round(got.bytes / MIB)} MiB in ${(got.ms / 1000).toFixed(1)} s, first byte after ${got.firstMs.toFixed(0)} ms; memory ${memory}`,
        );
        return [
          {
            ...{ what: `export of ${what}`, unit: 'facts/s', value: rate, must: null },
            baseline: { what: 'reading the log and throwing it away, events/s', value: plain },
            note: `first byte after ${got.firstMs.toFixed(0)} ms`,
          },
          {
            ...{ what: `memory while exporting ${what}`, unit: 'MiB more', value: most - before, must: { atMost: 128 }, baseline: null },
            note: memory,
          },
          {
            ...{ what: `of that, after the first tenth`, unit: 'MiB more', value: most - tenth, must: { atMost: 64 }, baseline: null },
            note: 'flat, however much somebody has written',
          },
        ];
      } finally {
        await app.close();
        await platform.close();
      }
    }),
};

/** Events per second. */
const readThrough = async (log: EventLog): Promise<number> => {
  const start = performance.now();
  let events = 0;
  for (let after: Position = START; ;) {
    const page = await log.readAll(0, after, 5_000);
    events += page.events.length;
    if (page.atHead || page.next <= after) break;
    after = page.next;
  }
  return (events * 1000) / (performance.now() - start);
};

interface Downloaded {
  readonly ms: number;
  readonly firstMs: number;
  readonly lines: number;
  readonly bytes: number;
  /** Resident, in MiB. */
  readonly memory: { readonly before: number; readonly tenth: number; readonly most: number };
}

const residentMib = (): number => process.memoryUsage.rss() / MIB;

/** Counts lines and keeps nothing. */
const download = (url: string, token: string): Promise<Downloaded> =>
  new Promise((resolve, reject) => {
    const [start, before] = [performance.now(), residentMib()];
    let [firstMs, lines, bytes, most, tenth] = [0, 0, 0, before, before];
    const sampling = setInterval(() => {
      most = Math.max(most, residentMib());
      if (lines <= MESSAGES / 10) tenth = most;
    }, SAMPLE_MS);
    request(url, { headers: { authorization: `Bearer ${token}` } }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${url} answered ${response.statusCode}`));
      response.on('data', (chunk: Buffer) => {
        if (bytes === 0) firstMs = performance.now() - start;
        bytes += chunk.length;
        for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines++;
      });
      response.on('error', reject);
      response.on('end', () => resolve({ ms: performance.now() - start, firstMs, lines, bytes, memory: { before, tenth, most } }));
    })
      .on('error', reject)
      .on('close', () => clearInterval(sampling))
      .end();
  });
