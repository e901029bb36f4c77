/**
 * Mail search in OpenSearch beside Postgres, on the same mail: how fast a mailbox is projected into each, and how long one page of each of sixteen kinds of questions
 * takes, asked at the port, one after the other. Both have to find the same.
 */
import type { MailHit, MailPlace, MailQuestion, MailSearch } from '@tidings/contracts/ports/mail-search';
import type { Words as MailWords } from '@tidings/contracts/ports/word-index';
import type { Projection } from '@tidings/contracts/projection';
import { parseMailQuery } from '@tidings/contracts/mail-query/parse';
import { openSearchIndex } from '@tidings/infra/word-index/opensearch';
import { indexedMailSearch, mailSearch, postgresMailSearch, wordsInIndex, wordsInTable } from '@tidings/projections/mail-search/index';
import type { FiledMail, KeptWords, WordsOf } from '@tidings/projections/mail-search/kept-words';
import * as E from 'fp-ts/lib/Either.js';
import { openSearchLacks, startOpenSearch } from '../tests/kit/opensearch.ts';
import { type Bench, type Figure, percentile, sortedCopy } from './harness.ts';
import { bodyOf, filesOf, mailbox, numberOf, reader, type SeededMailbox, withMailbox, Words } from './mail-seed.ts';
import { kindsOf } from './mail-search.ts';

/** One million is the figure; fewer (BENCH_EMAILS, BENCH_QUESTIONS) for a quick look while working on it. */
const EMAILS = Number(process.env['BENCH_EMAILS'] ?? 1_000_000);
const QUESTIONS_OF_A_KIND = Number(process.env['BENCH_QUESTIONS'] ?? 60);
/** So many go into each engine by itself, to be timed; those that are searched go into both at once, which takes half as long. */
const TIMED = Math.min(EMAILS, Number(process.env['BENCH_TIMED'] ?? 100_000));
const PAGE = 40;
/** Where a page of the slower kinds ends in several looks. */
const MOST_LOOKS = 50;

export const openSearchBench: Bench = {
  name: 'opensearch',
  run: async (say) => {
    const lack = await openSearchLacks();
    if (lack !== null) {
      say(`not measured: ${lack}`);
      return [];
    }
    const server = await startOpenSearch('lasting');
    const index = openSearchIndex({ url: server.url, prefix: server.prefix, shards: 1, caFile: null });
    try {
      say(server.name);
      const texts = textsOf(new Words());
      const rates = {
        postgres: await rateOf(mailSearch(texts)),
        openSearch: await rateOf(mailSearch(texts, wordsInIndex(index))),
      };
      say(`${count(TIMED)} emails: ${count(rates.postgres)}/s into Postgres, ${count(rates.openSearch)}/s into OpenSearch`);
      await index.remove(['mail-search']);
      const both = mailSearch(texts, inBoth(wordsInTable(), wordsInIndex(index)));
      return await withMailbox({ projected: EMAILS, doubled: 0 }, [both], none, async (seeded, seconds) => {
        say(`${count(EMAILS)} emails in both within ${seconds.toFixed(0)} s`);
        const times = await compare(seeded, searchesOf(seeded, index), say);
        return [...rateFigures(rates), ...timeFigures(times)];
      });
    } finally {
      await index.close();
      await server.stop();
    }
  },
};

const rateOf = (model: Projection): Promise<number> =>
  withMailbox({ projected: TIMED, doubled: 0 }, [model], none, async (_, seconds) => TIMED / seconds);

/** The same words in two places, gathered once. */
const inBoth = (first: KeptWords, second: KeptWords): KeptWords => ({
  version: second.version,
  tables: (schema) => first.tables(schema) + second.tables(schema),
  indexes: (schema) => first.indexes(schema) + second.indexes(schema),
  page: (tx) => {
    const pages = [first.page(tx), second.page(tx)];
    return {
      save: async (filed, wordsOf) => {
        for (let from = 0; from < filed.length; from += AT_ONCE) {
          const once = remembered(wordsOf);
          for (const page of pages) await page.save(filed.slice(from, from + AT_ONCE), once);
        }
      },
      forget: async (held, position) => {
        for (const page of pages) await page.forget(held, position);
      },
      close: async (mailboxes) => {
        for (const page of pages) await page.close(mailboxes);
      },
      end: async () => {
        for (const page of pages) await page.end();
      },
    };
  },
});
const AT_ONCE = 500;

const remembered = (wordsOf: WordsOf): WordsOf => {
  const known = new Map<FiledMail, MailWords>();
  return async (mails) => {
    const fresh = mails.filter((mail) => !known.has(mail));
    if (fresh.length > 0) for (const [nth, words] of (await wordsOf(fresh)).entries()) known.set(fresh[nth] as FiledMail, words); // one for each
    return mails.map((mail) => known.get(mail) ?? new Map());
  };
};

const none = (): void => {};
const count = (n: number): string => Math.round(n).toLocaleString('en-US');

const textsOf = (words: Words) => ({
  read: async (id: Parameters<typeof numberOf>[0]) => ({ body: bodyOf(words, numberOf(id)), files: filesOf(numberOf(id)), bcc: [] }),
});

interface Searches {
  readonly postgres: MailSearch;
  readonly openSearch: MailSearch;
}

const searchesOf = ({ platform }: SeededMailbox, index: ReturnType<typeof openSearchIndex>): Searches => ({
  postgres: postgresMailSearch(platform),
  openSearch: indexedMailSearch(platform, index),
});

type Times = { readonly [K in keyof Searches]: number[] };

/** @throws when they do not find the same */
const compare = async ({ words }: SeededMailbox, searches: Searches, say: (line: string) => void): Promise<Times> => {
  const all: Times = { postgres: [], openSearch: [] };
  for (const [kind, typed] of Object.entries(kindsOf(words, EMAILS))) {
    const here: Times = { postgres: [], openSearch: [] };
    for (let n = -5; n < QUESTIONS_OF_A_KIND; n++) {
      const q = typed();
      const postgres = await timed(() => page(searches.postgres, q));
      const openSearch = await timed(() => page(searches.openSearch, q));
      if (JSON.stringify(postgres.hits) !== JSON.stringify(openSearch.hits))
        throw new Error(`"${q}" finds ${openSearch.hits.length}, not ${postgres.hits.length}`);
      if (n < 0) continue; // the first few warm up
      here.postgres.push(postgres.ms);
      here.openSearch.push(openSearch.ms);
    }
    const of = (some: readonly number[]): string => [0.5, 0.99].map((p) => percentile(sortedCopy(some), p).toFixed(1)).join(' / ');
    say(`${kind}: p50 / p99 in Postgres ${of(here.postgres)} ms, in OpenSearch ${of(here.openSearch)} ms`);
    all.postgres.push(...here.postgres);
    all.openSearch.push(...here.openSearch);
  }
  return all;
};

const timed = async (ask: () => Promise<readonly MailHit[]>): Promise<{ readonly hits: readonly MailHit[]; readonly ms: number }> => {
  const start = performance.now();
  const hits = await ask();
  return { hits, ms: performance.now() - start };
};

/** The first page, however many looks it takes. */
const page = async (search: MailSearch, q: string): Promise<readonly MailHit[]> => {
  const query = E.getOrElseW((): never => {
    throw new Error(`"${q}" is no query`);
  })(parseMailQuery(q));
  const question: MailQuestion = { query, searcher: reader.userId, mailboxes: [mailbox], now: Date.UTC(2026, 0, 1) };
  const hits: MailHit[] = [];
  let after: MailPlace | null = null;
  for (let look = 0; look < MOST_LOOKS; look++) {
    const found = await search.find(question, { after, limit: PAGE - hits.length });
    hits.push(...found.hits);
    after = found.goOn;
    if (after === null || hits.length >= PAGE) break;
  }
  return hits;
};

const rateFigures = ({ postgres, openSearch }: { readonly postgres: number; readonly openSearch: number }): readonly Figure[] => [
  {
    what: `emails projected into OpenSearch, ${count(TIMED)} in one mailbox`,
    unit: 'emails/s',
    value: openSearch,
    must: { atLeast: 1_000 },
    baseline: { what: 'into Postgres, emails/s', value: postgres },
    note: 'words, stems, states and indexes, replayed; searchable page by page',
  },
];

const timeFigures = ({ postgres, openSearch }: Times): readonly Figure[] => [
  {
    what: `search of ${count(EMAILS)} emails in one mailbox by OpenSearch, p99`,
    unit: 'ms',
    value: percentile(sortedCopy(openSearch), 0.99),
    must: null,
    baseline: { what: 'by Postgres, p99 ms', value: percentile(sortedCopy(postgres), 0.99) },
    note: `${openSearch.length} pages of ${PAGE} at the port, the same emails in both; p50 ${percentile(sortedCopy(openSearch), 0.5).toFixed(1)} ms`,
  },
];
