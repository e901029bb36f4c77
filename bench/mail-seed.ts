/** A mailbox full of mail for benches: read models filled by their own `apply`, then doubled; texts are made anew whenever they are read. */
import type { EmailContent } from '@tidings/contracts/events/email';
import type { Recorded, TidingsEvent } from '@tidings/contracts/events/index';
import {
  type BlobId,
  derivedId,
  type EmailId,
  type EventId,
  type LabelId,
  type MailboxId,
  type StreamId,
  type ThreadId,
} from '@tidings/contracts/ids';
import type { BlobStore } from '@tidings/contracts/ports/blob-store';
import type { Position } from '@tidings/contracts/ports/event-log';
import type { Projection } from '@tidings/contracts/projection';
import { timestamp } from '@tidings/contracts/time';
import { loadConfig } from '@tidings/infra/config/config';
import { openPool, openReadPool } from '@tidings/infra/postgres/pools';
import type { FastifyInstance } from 'fastify';
import * as E from 'fp-ts/lib/Either.js';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { createHttpApp } from '../services/http-kit/src/app.ts';
import { knownPeople, person } from '../services/http-kit/src/testing/known-people.ts';
import { memoryPlatform } from '../services/http-kit/src/testing/memory-platform.ts';
import type { Platform } from '../services/platform/src/platform.ts';
import { Dice } from '../tests/acceptance/town.ts';
import { withPostgres } from './postgres.ts';
import { doubleMailbox } from './mail-copies.ts';
import { applyPage, schemaOf } from './read-models.ts';

const PAGE = 5_000;
const VOCABULARY = 50_000;
const PEOPLE = 2_000;
const DOMAINS = 150;
/** Of what arrives, so much answers something of the last weeks. */
const ANSWERS = 0.4;
const RECENT_THREADS = 2_000;
const START = Date.UTC(2024, 0, 1);
const MINUTE = 60_000;

export const reader = person('Reader');
export const mailbox = derivedId<MailboxId>('bench-mailbox', 0);
/** On every tenth thread, and on every thousandth. */
export const frequentLabel = derivedId<LabelId>('bench-label', 0);
export const rareLabel = derivedId<LabelId>('bench-label', 1);
/** Ids that cost nothing to make. */
const numbered = <I extends string>(n: number): I => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}` as I; // a UUID of version 4
const threadAt = (n: number): ThreadId => numbered<ThreadId>(n);

/** Words as often as people use them (Zipf), so that some are in every other mail and most in a few dozen. */
export class Words {
  readonly #words: readonly string[];

  constructor() {
    const dice = new Dice(3);
    const syllables =
      'ba be bi bo da de di do fa fe ga ge ka ke ki ko la le li lo ma me mi mo na ne ni no pa pe pi po ra re ri ro sa se'.split(' ');
    const words = new Set<string>();
    while (words.size < VOCABULARY) words.add(Array.from({ length: 1 + dice.below(5) }, () => dice.one(syllables)).join(''));
    this.#words = [...words];
  }
  /** Of rank `r` with a chance of about 1/r. */
  some(dice: Dice, count: number): string {
    return Array.from({ length: count }, () => this.#words[Math.floor(VOCABULARY ** (dice.below(1_000_000) / 1_000_000)) - 1] ?? 'ba').join(
      ' ',
    );
  }
  /** One of the ranks from `from` to `to`. */
  ranked(dice: Dice, from: number, to: number): string {
    return this.#words[from - 1 + dice.below(to - from + 1)] ?? 'ba';
  }
  person(n: number): { readonly name: string; readonly email: string } {
    const name = `${this.#words[1_000 + (n % 1_300)]} ${this.#words[3_000 + n]}`;
    return { name, email: `${name.replace(' ', '.')}@${this.#words[900 + (n % DOMAINS)]}.example` };
  }
}

/** 15 to 45 words. */
export const bodyOf = (words: Words, n: number): string => {
  const dice = new Dice(n + 1_000);
  return words.some(dice, 15 + dice.below(31));
};
export const blobOf = (n: number): BlobId => n.toString(16).padStart(64, '0') as BlobId; // 64 hex digits, as a hash has
export const numberOf = (blob: BlobId): number => Number.parseInt(blob, 16);
export const filesOf = (n: number): readonly string[] => (n % 7 === 0 ? [`file-${n % 997}.pdf`] : []);

/** What filing would have stored for a mail. */
const storedBodies = (words: Words): Pick<BlobStore, 'read'> => ({
  read: async (id) => {
    const part = { partId: '1', name: null, type: 'text/plain', charset: 'utf-8', disposition: null, cid: null, size: 1 };
    const attachments = filesOf(numberOf(id)).map((name, at) => ({ ...part, partId: `${at + 2}`, name }));
    const details = { sender: [], replyTo: [], bcc: [], textBody: [part], htmlBody: [part], attachments };
    return Buffer.from(JSON.stringify({ version: 1, details, bodies: { 1: { value: bodyOf(words, numberOf(id)), isTruncated: false } } }));
  },
});

const events = function* (count: number, words: Words): Generator<Recorded> {
  let position = 0;
  const recorded = (event: TidingsEvent): Recorded => ({
    ...event,
    shard: 0,
    position: String(++position).padStart(16, '0') as Position, // as the log writes them
    stream: 'bench' as StreamId, // nobody looks at it
    revision: 0,
    id: numbered<EventId>(position),
    meta: {},
    recordedAt: timestamp(START + position * MINUTE),
  });
  yield recorded({ type: 'MailboxOpened', data: { mailboxId: mailbox, kind: 'shared', address: 'town@tidings.test', name: 'Town' } });
  yield recorded({ type: 'MailboxMemberSet', data: { mailboxId: mailbox, userId: reader.userId, role: 'admin' } });
  for (const [name, labelId] of [
    ['often', frequentLabel],
    ['seldom', rareLabel],
  ] as const) {
    const looks = { color: '#E3E3FD', description: null, auto: false, by: reader.userId };
    yield recorded({ type: 'LabelCreated', data: { mailboxId: mailbox, labelId, name, ...looks } });
  }
  const dice = new Dice(5);
  let threads = 0;
  for (let n = 0; n < count; n++) {
    const isAnswer = threads > 0 && dice.below(100) < ANSWERS * 100;
    const threadId = threadAt(isAnswer ? threads - 1 - dice.below(Math.min(threads, RECENT_THREADS)) : threads++);
    const emailId = numbered<EmailId>(n);
    const content: EmailContent = {
      messageId: `${n}@bench.example`,
      inReplyTo: [],
      references: [],
      from: [words.person(dice.below(PEOPLE))],
      to: [{ name: 'Town', email: 'town@tidings.test' }],
      cc: dice.below(4) === 0 ? [words.person(dice.below(PEOPLE))] : [],
      subject: words.some(dice, 3 + dice.below(6)),
      sentAt: null,
      preview: 'As every mail begins.',
      hasAttachments: filesOf(n).length > 0,
    };
    const blob = { blobId: blobOf(n), bodyBlobId: blobOf(n), size: 2_000 + dice.below(100_000) };
    const lies = { direction: 'in' as const, place: dice.below(20) === 0 ? ('spam' as const) : ('inbox' as const) };
    const kept = { ...blob, ...lies, startsThread: !isAnswer, messageIdReused: false, envelope: null, content };
    yield recorded({ type: 'EmailFiled', data: { threadId, mailboxId: mailbox, emailId, ...kept } });
    const handled = { threadId, mailboxId: mailbox, by: reader.userId };
    if (dice.below(10) < 4) yield recorded({ type: 'ThreadRead', data: { ...handled, upTo: emailId } });
    if (dice.below(5) === 0 && lies.place === 'inbox') {
      yield recorded({ type: 'EmailsMoved', data: { ...handled, emailIds: [emailId], place: 'archive' } });
    }
    if (dice.below(100) === 0) yield recorded({ type: 'EmailsMoved', data: { ...handled, emailIds: [emailId], place: 'trash' } });
    if (!isAnswer && threads % 10 === 0)
      yield recorded({ type: 'ThreadLabelled', data: { ...handled, labelId: frequentLabel, labelled: true } });
    if (!isAnswer && threads % 1_000 === 0)
      yield recorded({ type: 'ThreadLabelled', data: { ...handled, labelId: rareLabel, labelled: true } });
    if (!isAnswer && threads % 20 === 10) {
      yield recorded({ type: 'ThreadAssigned', data: { threadId, mailboxIds: [mailbox], userId: reader.userId, by: reader.userId } });
    }
    if (dice.below(200) === 0) yield recorded({ type: 'ThreadStarred', data: { ...handled, starred: true } });
  }
};

export interface SeededMailbox {
  readonly app: FastifyInstance;
  readonly platform: Platform;
  readonly pool: Pool;
  readonly words: Words;
  /** GET as the reader; throws for anything but 200. */
  readonly get: <A>(path: string) => Promise<A>;
}

/** How a mailbox comes to hold so many emails. */
export interface Filling {
  /** So many go through the projections, */
  readonly projected: number;
  /** and so often is what they made of them doubled. */
  readonly doubled: number;
}

const MOST_PROJECTED = 64_000;
export const fillingOf = (emails: number): Filling => {
  const doubled = Math.max(0, Math.ceil(Math.log2(emails / MOST_PROJECTED)));
  return { projected: Math.ceil(emails / 2 ** doubled), doubled };
};

/** @param register mounts the routes to measure */
export const withMailbox = async <A>(
  filling: Filling,
  models: readonly Projection[],
  register: (app: FastifyInstance, platform: Platform) => void,
  use: (seeded: SeededMailbox, seconds: number) => Promise<A>,
): Promise<A> =>
  withPostgres(async (url) => {
    const logger = pino({ level: 'error' });
    const pool = openPool({ url, name: 'bench', max: 6, logger });
    const read = await openReadPool({ url, name: 'bench read', max: 4, logger });
    const config = E.getOrElseW((faults: readonly string[]): never => {
      throw new Error(faults.join('; '));
    })(loadConfig({ RATE_LIMITS: 'off' }));
    const words = new Words();
    const blobs = storedBodies(words) as BlobStore; // these routes only read
    const platform = memoryPlatform({ pool, read, liveSchema: schemaOf, logger, config, blobs });
    const app = createHttpApp(platform, { identity: knownPeople(reader) });
    try {
      const started = performance.now();
      await fill(pool, models, filling, words);
      register(app, platform);
      await app.ready();
      const get = async <B>(path: string): Promise<B> => {
        const response = await app.inject({ url: path, headers: { authorization: 'Bearer Reader' } });
        if (response.statusCode !== 200) throw new Error(response.body);
        return JSON.parse(response.body) as B; // the route's own answer
      };
      return await use({ app, platform, pool, words, get }, (performance.now() - started) / 1000);
    } finally {
      await app.close();
      await read.end();
      await pool.end();
    }
  });

const fill = async (pool: Pool, models: readonly Projection[], { projected, doubled }: Filling, words: Words): Promise<void> => {
  for (const model of models) await pool.query(`create schema ${schemaOf(model.name)}; ${model.tables(schemaOf(model.name))}`);
  let page: Recorded[] = [];
  // The next page is made while the last one is written.
  let writing: Promise<unknown> = Promise.resolve();
  const write = async (): Promise<void> => {
    const full = page;
    page = [];
    await writing;
    writing = Promise.all(models.map((model) => applyPage(pool, model, full)));
  };
  let positions = 0;
  for (const event of events(projected, words)) {
    positions = Number(event.position);
    if (page.push(event) === PAGE) await write();
  }
  await write();
  await writing;
  await doubleMailbox(pool, models, { times: doubled, mailbox, extent: { emails: projected, positions } });
  // The index of words takes as long as all others together: they are made beside it.
  await Promise.all(models.map((model) => pool.query(`set maintenance_work_mem = '1GB'; ${model.indexes?.(schemaOf(model.name)) ?? ''}`)));
  await pool.query('vacuum analyze');
  await pool.query('checkpoint');
};
