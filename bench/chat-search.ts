/**
 * `GET /api/messages/search` at a million messages: in one room, and over ten thousand rooms for someone who is in a hundred of them and for
 * someone who is in all. The whole route but the socket (Fastify's inject), one request after the other, on read models filled by their own
 * `apply`. Baseline: the plain way, `ilike` over the timeline, for the rare words.
 */
import type { Recorded, TidingsEvent } from '@tidings/contracts/events/index';
import { derivedId, type EventId, type MessageId, type RoomId, type StreamId, type UserId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import type { Projection } from '@tidings/contracts/projection';
import { timestamp } from '@tidings/contracts/time';
import { loadConfig } from '@tidings/infra/config/config';
import { openPool, openReadPool } from '@tidings/infra/postgres/pools';
import { messageSearch } from '@tidings/projections/message-search/index';
import { relationships } from '@tidings/projections/relationships/index';
import { rooms } from '@tidings/projections/rooms/index';
import { timeline } from '@tidings/projections/timeline/index';
import type { FastifyInstance } from 'fastify';
import * as E from 'fp-ts/lib/Either.js';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { createHttpApp } from '../services/http-kit/src/app.ts';
import { knownPeople, person } from '../services/http-kit/src/testing/known-people.ts';
import { memoryPlatform } from '../services/http-kit/src/testing/memory-platform.ts';
import { registerSearch } from '../services/query-api/src/chat/search.ts';
import { Dice } from '../tests/acceptance/town.ts';
import { type Bench, type Figure, percentile, sortedCopy } from './harness.ts';
import { withPostgres } from './postgres.ts';
import { applyPage, schemaOf } from './read-models.ts';

/** One million is the figure; fewer (BENCH_MESSAGES) for a quick look while working on it. */
const MESSAGES = Number(process.env['BENCH_MESSAGES'] ?? 1_000_000);
const ROOMS = 10_000;
const PAGE = 5_000;
const SEARCHES_OF_A_KIND = 150;
const PLAIN_SEARCHES = 10;
const VOCABULARY = 50_000;

const reader = person('Reader');
const everywhere = person('Everywhere');
const others = Array.from({ length: 200 }, (_, n) => derivedId<UserId>('bench-sender', n));
const models: readonly Projection[] = [relationships, rooms, timeline, messageSearch];
const roomAt = (n: number): RoomId => derivedId<RoomId>('bench-room', n);

export const chatSearchBench: Bench = {
  name: 'chat-search',
  run: async (say) => [...(await measure('one room', 1, say)), ...(await measure(`${ROOMS.toLocaleString('en-US')} rooms`, ROOMS, say))],
};

const measure = (where: string, roomCount: number, say: (line: string) => void): Promise<readonly Figure[]> =>
  withPostgres(async (url) => {
    const logger = pino({ level: 'silent' });
    const pool = openPool({ url, name: 'bench', max: 4, logger });
    const read = await openReadPool({ url, name: 'bench read', max: 4, logger });
    const config = E.getOrElseW((faults: readonly string[]): never => {
      throw new Error(faults.join('; '));
    })(loadConfig({ RATE_LIMITS: 'off' }));
    const platform = memoryPlatform({ pool, read, liveSchema: schemaOf, logger, config });
    const app = createHttpApp(platform, { identity: knownPeople(reader, everywhere) });
    try {
      const started = performance.now();
      const texts = new Texts(roomCount);
      await fill(pool, roomCount, texts);
      say(
        `${where}: ${MESSAGES.toLocaleString('en-US')} messages in ${((performance.now() - started) / 1000).toFixed(0)} s; ${await sizes(pool)}`,
      );
      registerSearch(app, platform);
      await app.ready();
      const one = roomCount === 1 ? [] : await searchAs(app, 'Everywhere', `${where}, in all of them`, texts, say);
      const figures = await searchAs(app, 'Reader', roomCount === 1 ? where : `${where}, in 100 of them`, texts, say);
      const plain = await plainSearches(pool, roomCount, texts);
      say(`${where}: plain ilike, rare words, p99 ${plain.toFixed(0)} ms`);
      return [...figures, ...one].map((figure) => ({ ...figure, baseline: { what: 'ilike for rare words, p99 ms', value: plain } }));
    } finally {
      await app.close();
      await read.end();
      await pool.end();
    }
  });

/** Words as often as people use them (Zipf), so that some are in every third message and most in a few dozen. */
class Texts {
  readonly #words: readonly string[];
  readonly #dice = new Dice(7);
  /** Some of those that were sent, to take phrases from. */
  readonly sent: string[] = [];

  constructor(seed: number) {
    const dice = new Dice(seed);
    const syllables =
      'ba be bi bo da de di do fa fe ga ge ka ke ki ko la le li lo ma me mi mo na ne ni no pa pe pi po ra re ri ro sa se si so ta te ti to'.split(
        ' ',
      );
    const words = new Set<string>();
    while (words.size < VOCABULARY)
      words.add(
        Array.from({ length: 1 + dice.below(4) }, () => dice.one(syllables)).join('') + (words.size > 900 ? words.size.toString(36) : ''),
      );
    this.#words = [...words];
  }

  /** Of rank `r` with a chance of about 1/r. */
  word(): string {
    const rank = Math.floor(VOCABULARY ** (this.#dice.below(1_000_000) / 1_000_000));
    return this.#words[rank - 1] ?? 'ba';
  }
  message(): string {
    const text = Array.from({ length: 4 + this.#dice.below(13) }, () => this.word()).join(' ');
    if (this.#dice.below(MESSAGES / 500) === 0) this.sent.push(text);
    return text;
  }
  /** One of the ranks from `from` to `to`. */
  ranked(from: number, to: number): string {
    return this.#words[from - 1 + this.#dice.below(to - from + 1)] ?? 'ba';
  }
  phrase(): string {
    const words = this.#dice.one(this.sent).split(' ');
    const at = this.#dice.below(words.length - 2);
    return `"${words.slice(at, at + 3).join(' ')}"`;
  }
}

const fill = async (pool: Pool, roomCount: number, texts: Texts): Promise<void> => {
  const dice = new Dice(11);
  for (const model of models) await pool.query(`create schema ${schemaOf(model.name)}; ${model.tables(schemaOf(model.name))}`);
  let position = 0;
  const recorded = (event: TidingsEvent): Recorded => ({
    ...event,
    shard: 0,
    position: String(++position).padStart(16, '0') as Position, // as the log writes them
    stream: 'bench' as StreamId, // nobody looks at it
    revision: 0,
    id: derivedId<EventId>('bench-event', position),
    meta: {},
    recordedAt: timestamp(Date.UTC(2026, 0, 1) + position * 100),
  });
  const member = (room: number): readonly UserId[] => [
    everywhere.userId,
    ...(room % (roomCount / 100) < 1 ? [reader.userId] : []),
    ...others.slice(0, 10),
  ];
  const events = function* (): Generator<Recorded> {
    for (let n = 0; n < roomCount; n++) {
      yield recorded({
        type: 'RoomCreated',
        data: { roomId: roomAt(n), roomType: 'Group', name: 'Room', createdBy: everywhere.userId, members: member(n) },
      });
    }
    for (let n = 0; n < MESSAGES; n++) {
      const messageId = derivedId<MessageId>('bench-message', n);
      const body = { type: 'Text' as const, text: texts.message() };
      yield recorded({
        type: 'MessageSent',
        data: { roomId: roomAt(dice.below(roomCount)), messageId, senderId: dice.one(others), body, mentions: [], threadId: null },
      });
    }
  };
  let page: Recorded[] = [];
  for (const event of events()) {
    page.push(event);
    if (page.length === PAGE) await Promise.all(models.map((model) => applyPage(pool, model, page)));
    if (page.length === PAGE) page = [];
  }
  await Promise.all(models.map((model) => applyPage(pool, model, page)));
  for (const model of models) await pool.query(model.indexes?.(schemaOf(model.name)) ?? 'select 1');
  await pool.query('vacuum analyze');
  await pool.query('checkpoint');
};

const sizes = async (pool: Pool): Promise<string> => {
  const { rows: found } = await pool.query<{ size: string }>(
    `select pg_size_pretty(pg_table_size('"message-search".message')) || ' and ' || pg_size_pretty(pg_indexes_size('"message-search".message')) || ' of indexes' as size`,
  );
  return `the search takes ${found[0]?.size ?? '?'}`;
};

const kinds = (texts: Texts): Readonly<Record<string, () => string>> => ({
  'a frequent word': () => `${texts.ranked(1, 50)} `,
  'a word of every hundredth message': () => `${texts.ranked(60, 150)} `,
  'a word of every thousandth': () => `${texts.ranked(700, 1_500)} `,
  'a rare word': () => `${texts.ranked(10_000, VOCABULARY)} `,
  'a word nobody wrote': () => `xyzzy${texts.ranked(1, 500)} `,
  'two words': () => `${texts.ranked(20, 300)} ${texts.ranked(20, 300)} `,
  'a frequent and a rare word': () => `${texts.ranked(1, 20)} ${texts.ranked(5_000, VOCABULARY)} `,
  'a phrase': () => texts.phrase(),
  'three letters': () => texts.ranked(200, 5_000).padEnd(3, 'a').slice(0, 3),
  'a word without another': () => `${texts.ranked(200, 5_000)} -${texts.ranked(1, 50)}`,
});

const searchAs = async (
  app: FastifyInstance,
  name: string,
  where: string,
  texts: Texts,
  say: (line: string) => void,
): Promise<readonly Figure[]> => {
  const all: number[] = [];
  for (const [kind, typed] of Object.entries(kinds(texts))) {
    const took: number[] = [];
    let found = 0;
    for (let n = -10; n < SEARCHES_OF_A_KIND; n++) {
      const start = performance.now();
      const response = await app.inject({
        url: `/api/messages/search?q=${encodeURIComponent(typed())}`,
        headers: { authorization: `Bearer ${name}` },
      });
      if (response.statusCode !== 200) throw new Error(response.body);
      if (n >= 0) took.push(performance.now() - start); // the first few warm up
      if (n >= 0) found += (JSON.parse(response.body) as { content: readonly unknown[] }).content.length; // the route's own answer
    }
    const sorted = sortedCopy(took);
    all.push(...took);
    say(
      `${where}: ${kind}: p50 ${percentile(sorted, 0.5).toFixed(1)} ms, p99 ${percentile(sorted, 0.99).toFixed(1)} ms, ${(found / SEARCHES_OF_A_KIND).toFixed(1)} found`,
    );
  }
  const sorted = sortedCopy(all);
  const what = `search of ${MESSAGES.toLocaleString('en-US')} messages, ${where}`;
  return [
    {
      what: `${what}, p99`,
      unit: 'ms',
      value: percentile(sorted, 0.99),
      must: null,
      baseline: null,
      note: `${all.length} searches of ${Object.keys(kinds(texts)).length} kinds; p50 ${percentile(sorted, 0.5).toFixed(1)} ms`,
    },
  ];
};

const plainSearches = async (pool: Pool, roomCount: number, texts: Texts): Promise<number> => {
  const took: number[] = [];
  const mine = Array.from({ length: roomCount }, (_, n) => n)
    .filter((n) => n % (roomCount / 100) < 1)
    .map(roomAt);
  for (let n = 0; n < PLAIN_SEARCHES; n++) {
    const start = performance.now();
    await pool.query(
      `select * from "timeline".entry where room_id = any($1::uuid[]) and body::text ilike $2 order by created_at desc limit 20`,
      [mine, `%${texts.ranked(10_000, VOCABULARY)}%`],
    );
    took.push(performance.now() - start);
  }
  return percentile(sortedCopy(took), 0.99);
};
