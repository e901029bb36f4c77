/**
 * Timeline pages and lists of rooms at a million messages, in one room and over ten thousand: over HTTP, one request after the other, on read
 * models that the projector built from the log. Baseline: the very queries that each request asked, by plain pg on one connection.
 */
import { request, Agent } from 'node:http';
import type { AddressInfo } from 'node:net';
import { loadConfig } from '@tidings/infra/config/config';
import * as E from 'fp-ts/lib/Either.js';
import pg from 'pg';
import { pino } from 'pino';
import type { DatabasePool, QuerySqlToken } from 'slonik';
import { createHttpApp } from '../services/http-kit/src/app.ts';
import { knownPeople, person } from '../services/http-kit/src/testing/known-people.ts';
import { openPlatform } from '../services/platform/src/open.ts';
import { queryApi } from '../services/query-api/src/index.ts';
import { Dice } from '../tests/acceptance/town.ts';
import { inProcess } from './chat-program.ts';
import { type Bench, type Figure, percentile, sortedCopy } from './harness.ts';
import { withPostgres } from './postgres.ts';
import { isReaders, messageAt, roomAt, type SeedOrder } from './timeline-seed.ts';

/** One million is the figure; fewer (BENCH_MESSAGES) for a quick look while working on it. */
const MESSAGES = Number(process.env['BENCH_MESSAGES'] ?? 1_000_000);
const ROOMS = Number(process.env['BENCH_ROOMS'] ?? 10_000);
const WARM_UP = 300;
const REQUESTS = 1_000;

const reader = person('Reader');
const everywhere = person('Everywhere');

export const timelineBench: Bench = {
  name: 'timeline',
  run: async (say) => [...(await measure(1, say)), ...(await measure(ROOMS, say))],
};

interface Asked {
  readonly what: string;
  readonly must: Figure['must'];
  readonly as: string;
  readonly kinds: Readonly<Record<string, () => string>>;
}

const measure = (rooms: number, say: (line: string) => void): Promise<readonly Figure[]> =>
  withPostgres(async (url) => {
    const where = rooms === 1 ? 'one room' : `${rooms.toLocaleString('en-US')} rooms`;
    const order: SeedOrder = { url, rooms, messages: MESSAGES, reader: reader.userId, everywhere: everywhere.userId, models: 'timeline' };
    const seeded = await inProcess<{ fillMs: number; buildMs: number }>(new URL('./timeline-seed.ts', import.meta.url), order);
    say(
      `${where}: ${MESSAGES.toLocaleString('en-US')} messages, written in ${(seeded.fillMs / 1000).toFixed(0)} s, read models built in ${(seeded.buildMs / 1000).toFixed(0)} s`,
    );
    return withReaders(url, async (readers) => {
      const figures: Figure[] = [];
      for (const asked of questions(rooms)) figures.push(await figureOf(readers, where, asked, say));
      return figures;
    });
  });

const questions = (rooms: number): readonly Asked[] => {
  const dice = new Dice(rooms);
  const own = Array.from({ length: rooms }, (_, n) => n).filter((n) => isReaders(n, rooms));
  /** A message of one of the reader's rooms. */
  const place = (): { readonly room: string; readonly message: number } => {
    const room = dice.one(own);
    return { room: `/api/rooms/${roomAt(room)}/timeline`, message: room + rooms * dice.below(Math.floor(MESSAGES / rooms)) };
  };
  const beside = (direction: string) => (): string => {
    const { room, message } = place();
    return `${room}?${direction}=${messageAt(message)}&limit=50`;
  };
  const pages: Asked = {
    what: 'timeline page',
    must: { atMost: 15 },
    as: 'Reader',
    kinds: {
      'the newest 25': () => `${place().room}?limit=25`,
      'the newest 50': () => `${place().room}?limit=50`,
      '50 before any message': beside('before'),
      '50 after any message': beside('after'),
    },
  };
  const list = (as: string, what: string, path: string): Asked => ({ what, must: null, as, kinds: { [what]: () => path } });
  if (rooms === 1) return [pages, list('Reader', 'list of that one room', '/api/rooms')];
  return [
    pages,
    list('Reader', `list of ${own.length} rooms`, '/api/rooms'),
    list('Everywhere', `first 20 of ${rooms.toLocaleString('en-US')} own rooms`, '/api/rooms?limit=20'),
  ];
};

const figureOf = async (readers: Readers, where: string, asked: Asked, say: (line: string) => void): Promise<Figure> => {
  const took: number[] = [];
  const plain: number[] = [];
  for (const [kind, path] of Object.entries(asked.kinds)) {
    const ours: number[] = [];
    const queries: (readonly QuerySqlToken[])[] = [];
    let bytes = 0;
    for (let n = -WARM_UP; n < REQUESTS; n++) {
      const answer = await readers.get(path(), asked.as);
      if (n < 0) continue;
      ours.push(answer.ms);
      queries.push(answer.queries);
      bytes += answer.bytes;
    }
    const theirs: number[] = [];
    for (const tokens of queries) theirs.push(await readers.plain(tokens));
    took.push(...ours);
    plain.push(...theirs);
    const [sorted, sortedPlain] = [sortedCopy(ours), sortedCopy(theirs)];
    say(
      `${where}, ${asked.what}, ${kind}: p50 ${percentile(sorted, 0.5).toFixed(2)} ms, p99 ${percentile(sorted, 0.99).toFixed(2)} ms; plain pg ${percentile(sortedPlain, 0.5).toFixed(2)} and ${percentile(sortedPlain, 0.99).toFixed(2)} ms; ${Math.round(bytes / REQUESTS)} bytes`,
    );
  }
  const [sorted, sortedPlain] = [sortedCopy(took), sortedCopy(plain)];
  return {
    what: `${MESSAGES.toLocaleString('en-US')} messages in ${where}: ${asked.what}, p99`,
    unit: 'ms',
    value: percentile(sorted, 0.99),
    must: asked.must,
    baseline: { what: 'the same SQL by plain pg, p99 ms', value: percentile(sortedPlain, 0.99) },
    note: `${took.length} requests; p50 ${percentile(sorted, 0.5).toFixed(2)} ms (plain pg ${percentile(sortedPlain, 0.5).toFixed(2)} ms)`,
  };
};

interface Readers {
  /** One request, and the queries that it asked of the read models. */
  readonly get: (
    path: string,
    as: string,
  ) => Promise<{ readonly ms: number; readonly bytes: number; readonly queries: readonly QuerySqlToken[] }>;
  /** Milliseconds for the same queries, one after the other. */
  readonly plain: (queries: readonly QuerySqlToken[]) => Promise<number>;
}

const withReaders = async <A>(url: string, use: (readers: Readers) => Promise<A>): Promise<A> => {
  const config = E.getOrElseW((faults: readonly string[]): never => {
    throw new Error(faults.join('; '));
  })(loadConfig({ DATABASE_URL: url, RATE_LIMITS: 'off' }));
  const opened = await openPlatform(config, { process: 'bench', logger: pino({ level: 'silent' }) });
  let queries: QuerySqlToken[] = [];
  const platform = { ...opened, read: listening(opened.read, (query) => queries.push(query)) };
  const app = createHttpApp(platform, { identity: knownPeople(reader, everywhere) });
  const client = new pg.Client({ connectionString: url });
  const agent = new Agent({ keepAlive: true });
  try {
    await app.register(queryApi(platform));
    await app.listen({ host: '127.0.0.1', port: 0 });
    await client.connect();
    const { port } = app.server.address() as AddressInfo; // it listens on TCP
    return await use({
      get: async (path, as) => {
        queries = [];
        const start = performance.now();
        const body = await get(agent, `http://127.0.0.1:${port}${path}`, as);
        return { ms: performance.now() - start, bytes: body.length, queries };
      },
      plain: async (tokens) => {
        const start = performance.now();
        for (const { sql, values } of tokens) await client.query(sql.replaceAll(/\$slonik_(\d+)/g, '$$$1'), [...values]);
        return performance.now() - start;
      },
    });
  } finally {
    agent.destroy();
    await client.end();
    await app.close();
    await opened.close();
  }
};

/** The pool, which tells what is asked of it. */
const listening = (read: DatabasePool, tell: (query: QuerySqlToken) => void): DatabasePool =>
  new Proxy(read, {
    get: (target, name) => {
      if (name !== 'any' && name !== 'maybeOne') return Reflect.get(target, name) as unknown; // whatever it is, it is passed on
      return (query: QuerySqlToken) => {
        tell(query);
        return target[name](query);
      };
    },
  });

const get = (agent: Agent, url: string, token: string): Promise<string> =>
  new Promise((resolve, reject) => {
    request(url, { agent, headers: { authorization: `Bearer ${token}` } }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => (response.statusCode === 200 ? resolve(text) : reject(new Error(`${url}: ${text}`))));
    })
      .on('error', reject)
      .end();
  });
