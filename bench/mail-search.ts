/**
 * `GET /api/search` at a million emails in one mailbox, sixteen kinds of questions. The whole route but the socket (Fastify's inject), one
 * request after the other, on read models that were filled by their own `apply` and then doubled. Baseline: the plain way, `ilike` over subjects and previews, for the rare words.
 */
import type { FoundThread } from '@tidings/contracts/http/mail-search';
import type { MailPage } from '@tidings/contracts/http/mail-objects';
import { deliveries } from '@tidings/projections/deliveries/index';
import { drafts } from '@tidings/projections/drafts/index';
import { emails } from '@tidings/projections/emails/index';
import { mailSearch } from '@tidings/projections/mail-search/index';
import { mailboxes } from '@tidings/projections/mailboxes/index';
import { threadMarks } from '@tidings/projections/thread-marks/index';
import { threads } from '@tidings/projections/threads/index';
import { registerMailSearch } from '../services/query-api/src/mail/search.ts';
import { Dice } from '../tests/acceptance/town.ts';
import { type Bench, type Figure, percentile, sortedCopy } from './harness.ts';
import { bodyOf, filesOf, fillingOf, numberOf, type SeededMailbox, withMailbox, Words } from './mail-seed.ts';

/** One million is the figure; fewer (BENCH_EMAILS) for a quick look while working on it. */
const EMAILS = Number(process.env['BENCH_EMAILS'] ?? 1_000_000);
const SEARCHES_OF_A_KIND = 60;
const PLAIN_SEARCHES = 5;

export const mailSearchBench: Bench = {
  name: 'mail-search',
  run: (say) => {
    const words = new Words();
    const texts = {
      read: async (id: Parameters<typeof numberOf>[0]) => ({ body: bodyOf(words, numberOf(id)), files: filesOf(numberOf(id)), bcc: [] }),
    };
    const models = [mailboxes, threads, threadMarks, drafts, deliveries, emails, mailSearch(texts)];
    const filling = fillingOf(EMAILS);
    return withMailbox(filling, models, registerMailSearch, async (seeded, seconds) => {
      say(`${EMAILS.toLocaleString('en-US')} emails in ${seconds.toFixed(0)} s; the search takes ${await sizes(seeded)}`);
      const kinds = kindsOf(seeded.words, filling.projected);
      const all: number[] = [];
      for (const [kind, typed] of Object.entries(kinds)) all.push(...(await measure(seeded, kind, typed, say)));
      const plain = await plainSearches(seeded);
      const sorted = sortedCopy(all);
      const figure: Figure = {
        what: `search of ${EMAILS.toLocaleString('en-US')} emails in one mailbox, p99`,
        unit: 'ms',
        value: percentile(sorted, 0.99),
        must: null,
        baseline: { what: 'ilike for rare words, p99 ms', value: plain },
        note: `${all.length} searches of ${Object.keys(kinds).length} kinds, bodies of 15-45 words; p50 ${percentile(sorted, 0.5).toFixed(1)} ms`,
      };
      return [figure];
    });
  },
};

/**
 * A question of each kind.
 * @param bodies so many texts there are
 */
export const kindsOf = (words: Words, bodies: number): Readonly<Record<string, () => string>> => {
  const dice = new Dice(17);
  const ranked = (from: number, to: number): string => words.ranked(dice, from, to);
  const someone = (): string => words.person(dice.below(2_000)).email;
  return {
    'a frequent word': () => ranked(1, 50),
    'a word of every hundredth mail': () => `"${ranked(200, 500)}"`,
    'a word of every thousandth': () => `"${ranked(2_000, 4_000)}"`,
    'a rare word': () => ranked(20_000, 50_000),
    'a word nobody wrote': () => `xyzzy${ranked(1, 500)}`,
    'two words': () => `${ranked(20, 300)} ${ranked(20, 300)}`,
    'a frequent and a rare word': () => `${ranked(1, 20)} ${ranked(10_000, 50_000)}`,
    'a phrase': () => `"${bodyOf(words, dice.below(bodies)).split(' ').slice(4, 7).join(' ')}"`,
    'three letters': () => ranked(200, 5_000).padEnd(3, 'a').slice(0, 3),
    'a word without another': () => `${ranked(200, 5_000)} -${ranked(1, 50)}`,
    'an address': () => `from:${someone()}`,
    'a part of a name': () => `from:${someone().slice(1, 6)}`,
    'a domain and a word': () => `from:@${someone().split('@')[1]} ${ranked(50, 500)}`,
    'unread with a word': () => `is:unread ${ranked(50, 2_000)}`,
    'a subject in a month': () => `subject:${ranked(20, 500)} after:2024-03-01 before:2024-04-01`,
    'attachments over a size': () => `has:attachment larger:${90 + dice.below(10)}k`,
  };
};

const measure = async (
  { get }: SeededMailbox,
  kind: string,
  typed: () => string,
  say: (line: string) => void,
): Promise<readonly number[]> => {
  const took: number[] = [];
  let found = 0;
  for (let n = -5; n < SEARCHES_OF_A_KIND; n++) {
    const path = `/api/search?q=${encodeURIComponent(typed())}`;
    const start = performance.now();
    const { content } = await get<MailPage<FoundThread>>(path);
    if (n < 0) continue; // the first few warm up
    took.push(performance.now() - start);
    found += content.length;
  }
  const sorted = sortedCopy(took);
  const each = (found / SEARCHES_OF_A_KIND).toFixed(1);
  say(`${kind}: p50 ${percentile(sorted, 0.5).toFixed(1)} ms, p99 ${percentile(sorted, 0.99).toFixed(1)} ms, ${each} threads found`);
  return took;
};

const sizes = async ({ pool }: SeededMailbox): Promise<string> => {
  const { rows } = await pool.query<{ size: string }>(
    `select pg_size_pretty(sum(pg_table_size(c.oid))) || ' and ' || pg_size_pretty(sum(pg_indexes_size(c.oid))) || ' of indexes' as size
     from pg_class c where c.relnamespace = '"mail-search"'::regnamespace and c.relkind = 'r'`,
  );
  return rows[0]?.size ?? '?';
};

const plainSearches = async ({ pool, words }: SeededMailbox): Promise<number> => {
  const dice = new Dice(19);
  const took: number[] = [];
  for (let n = 0; n < PLAIN_SEARCHES; n++) {
    const start = performance.now();
    await pool.query(`select email_id from "emails".email where content::text ilike $1 order by came_at desc limit 25`, [
      `%${words.ranked(dice, 20_000, 50_000)}%`,
    ]);
    took.push(performance.now() - start);
  }
  return percentile(sortedCopy(took), 0.99);
};
