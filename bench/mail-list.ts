/**
 * `GET /api/mailboxes/{id}/threads` with 10,000, 100,000 and a million emails in the mailbox: the same time whatever it holds. Then the counts of
 * the mailbox. The whole routes but the socket, one request after the other. Baseline: the page's ids alone, by one plain query.
 */
import type { MailPage, Thread } from '@tidings/contracts/http/mail-objects';
import { deliveries } from '@tidings/projections/deliveries/index';
import { drafts } from '@tidings/projections/drafts/index';
import { mailboxes } from '@tidings/projections/mailboxes/index';
import { threadMarks } from '@tidings/projections/thread-marks/index';
import { threads } from '@tidings/projections/threads/index';
import { createBodyReader } from '../services/query-api/src/mail/bodies.ts';
import { registerMailboxes } from '../services/query-api/src/mail/mailboxes.ts';
import { registerThreads } from '../services/query-api/src/mail/threads.ts';
import { type Bench, type Figure, percentile, sortedCopy } from './harness.ts';
import { fillingOf, frequentLabel, mailbox, rareLabel, reader, type SeededMailbox, withMailbox } from './mail-seed.ts';

/** BENCH_EMAILS for other sizes, by commas. */
const SIZES = (process.env['BENCH_EMAILS'] ?? '10000,100000,1000000').split(',').map(Number);
const PAGES_OF_A_KIND = 100;
const AT_MOST_MS = 20;
/** Every view, both filters, marks alone and together; some are long, and some have next to nothing among very much. */
const KINDS = {
  inbox: 'view=inbox',
  'inbox, unread': 'view=inbox&unread=true',
  'inbox, read': 'view=inbox&unread=false',
  all: 'view=all',
  'all, unread': 'view=all&unread=true',
  starred: 'view=starred',
  'starred, unread': 'view=starred&unread=true',
  archive: 'view=archive',
  'archive, unread': 'view=archive&unread=true',
  spam: 'view=spam',
  'spam, read': 'view=spam&unread=false',
  trash: 'view=trash',
  drafts: 'view=drafts',
  'a frequent label': `view=all&label=${frequentLabel}`,
  'a frequent label, unread': `view=all&label=${frequentLabel}&unread=true`,
  'a frequent label, in the trash': `view=trash&label=${frequentLabel}`,
  'a rare label': `view=all&label=${rareLabel}`,
  'an assignee': `view=all&assignee=${reader.userId}`,
  'an assignee, inbox, unread': `view=inbox&unread=true&assignee=${reader.userId}`,
  'an assignee and a frequent label': `view=all&assignee=${reader.userId}&label=${frequentLabel}`,
};

export const mailListBench: Bench = {
  name: 'mail-list',
  run: async (say) => {
    const figures: Figure[] = [];
    for (const size of SIZES) figures.push(...(await ofSize(size, say)));
    return figures;
  },
};

const ofSize = (size: number, say: (line: string) => void): Promise<readonly Figure[]> =>
  withMailbox(
    fillingOf(size),
    [mailboxes, threads, threadMarks, drafts, deliveries],
    (app, platform) => {
      registerThreads(app, platform, createBodyReader(platform, null));
      registerMailboxes(app, platform);
    },
    async (seeded, seconds) => {
      const what = `thread list of ${size.toLocaleString('en-US')} emails in one mailbox, p99`;
      say(`${size.toLocaleString('en-US')} emails in ${seconds.toFixed(0)} s`);
      const all: number[] = [];
      for (const [kind, query] of Object.entries(KINDS)) all.push(...(await walk(seeded, kind, query, say)));
      const sorted = sortedCopy(all);
      const counts = sortedCopy(await countAgainAndAgain(seeded));
      const note = `${all.length} pages of ${Object.keys(KINDS).length} lists, walked to their ends; p50 ${percentile(sorted, 0.5).toFixed(1)} ms`;
      const baseline = { what: 'ids of a page, p99 ms', value: await plainPages(seeded) };
      return [
        { what, unit: 'ms', value: percentile(sorted, 0.99), must: { atMost: AT_MOST_MS }, baseline, note },
        {
          what: '… counts of all views and labels, p99',
          unit: 'ms',
          value: percentile(counts, 0.99),
          must: { atMost: AT_MOST_MS },
          baseline: null,
        },
      ];
    },
  );

/** Page by page, from the beginning again at the end. */
const walk = async ({ get }: SeededMailbox, kind: string, query: string, say: (line: string) => void): Promise<readonly number[]> => {
  const took: number[] = [];
  let cursor: string | null = null;
  for (let n = -5; n < PAGES_OF_A_KIND; n++) {
    const path = `/api/mailboxes/${mailbox}/threads?${query}${cursor === null ? '' : `&cursor=${cursor}`}`;
    const start = performance.now();
    const page: MailPage<Thread> = await get(path);
    ({ cursor } = page);
    if (n >= 0) took.push(performance.now() - start); // the first few warm up
  }
  const sorted = sortedCopy(took);
  say(`${kind}: p50 ${percentile(sorted, 0.5).toFixed(1)} ms, p99 ${percentile(sorted, 0.99).toFixed(1)} ms`);
  return took;
};

const countAgainAndAgain = async ({ get }: SeededMailbox): Promise<readonly number[]> => {
  const took: number[] = [];
  for (let n = -5; n < PAGES_OF_A_KIND; n++) {
    const start = performance.now();
    await get(`/api/mailboxes/${mailbox}/counts`);
    if (n >= 0) took.push(performance.now() - start); // the first few warm up
  }
  return took;
};

const plainPages = async ({ pool }: SeededMailbox): Promise<number> => {
  const took: number[] = [];
  for (let n = 0; n < PAGES_OF_A_KIND; n++) {
    const start = performance.now();
    await pool.query(
      `select thread_id from "threads".thread where mailbox_id = $1 and in_inbox > 0 order by last_at desc, last_position desc limit 25`,
      [mailbox],
    );
    took.push(performance.now() - start);
  }
  return percentile(sortedCopy(took), 0.99);
};
