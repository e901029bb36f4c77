/**
 * Mail search in OpenSearch beside Postgres, on the same mail: how fast a mailbox is projected into each, and how long one page of each of sixteen kinds of questions
 * takes, asked at the port, one after the other. Both have to find the same.
 */
import type { MailHit, MailPlace, MailQuestion, MailSearch } from '@tidings/contracts/ports/mail-search';
import { parseMailQuery } from '@tidings/contracts/mail-query/parse';
import { openSearchIndex } from '@tidings/infra/word-index/opensearch';
import { indexedMailSearch, mailSearch, postgresMailSearch, wordsInIndex } from '@tidings/projections/mail-search/index';
import { either as E } from 'fp-ts';
import { openSearchLacks, startOpenSearch } from '../tests/kit/opensearch.ts';
import { type Bench, type Figure, percentile, sortedCopy } from './harness.ts';
import { bodyOf, filesOf, mailbox, numberOf, reader, type SeededMailbox, withMailbox, Words } from './mail-seed.ts';
import { kindsOf } from './mail-search.ts';

/** One million is the figure; fewer (BENCH_EMAILS, BENCH_QUESTIONS) for a quick look while working on it. */
const EMAILS = Number(process.env['BENCH_EMAILS'] ?? 1_000_000);
/** Each into both, by the projection. */
const FILLING = { projected: EMAILS, doubled: 0 };
const QUESTIONS_OF_A_KIND = Number(process.env['BENCH_QUESTIONS'] ?? 60);
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
      return await withMailbox(FILLING, [mailSearch(texts)], none, (inPostgres, tableSeconds) =>
        withMailbox(FILLING, [mailSearch(texts, wordsInIndex(index))], none, async (beside, indexSeconds) => {
          const rates = { postgres: EMAILS / tableSeconds, openSearch: EMAILS / indexSeconds };
          say(`${count(EMAILS)} emails: ${count(rates.postgres)}/s into Postgres, ${count(rates.openSearch)}/s into OpenSearch`);
          const times = await compare(inPostgres, searchesOf(inPostgres, beside, index), say);
          return [...rateFigures(rates), ...timeFigures(times)];
        }),
      );
    } finally {
      await index.close();
      await server.stop();
    }
  },
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

const searchesOf = (inPostgres: SeededMailbox, beside: SeededMailbox, index: ReturnType<typeof openSearchIndex>): Searches => ({
  postgres: postgresMailSearch(inPostgres.platform),
  openSearch: indexedMailSearch(beside.platform, index),
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
    what: `emails projected into OpenSearch, of ${count(EMAILS)} in one mailbox`,
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
