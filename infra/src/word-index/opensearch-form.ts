/**
 * Entries and questions as OpenSearch takes them. It cuts no text into words and knows no tongue: the places of an entry come one behind the other, all words of a
 * place together, so what it keeps is just what Postgres keeps as a `tsvector`, and it answers the same questions with the same set.
 */
import type { API, Types } from '@opensearch-project/opensearch';
import { msOf } from '@tidings/contracts/time';
import type { RunPart, WordEntry, WordQuery, WordQuestion } from '@tidings/contracts/ports/word-index';

/** What no word has: see `clean`. */
const BETWEEN_WORDS = '\u001f';
const BETWEEN_PLACES = '\u001e';
/** A place without a word; no word begins so. */
const EMPTY = '\u001d';

/** Beginnings of words are words of their own, up to this length: longer ones are rare, and looked for among all words. */
const LONGEST_BEGINNING = 19;

/** Newest first on disk already, so that a page of frequent words ends early. */
export const settings = (shards: number): Types.Indices_Common.IndexSettings => ({
  number_of_shards: shards,
  auto_expand_replicas: '0-1',
  refresh_interval: '-1', // a page is found when its checkpoint says so, by `settle`
  max_result_window: 10_000,
  sort: { field: ['at', 'tie'], order: ['desc', 'desc'] },
  analysis: {
    tokenizer: { places: { type: 'simple_pattern_split', pattern: BETWEEN_PLACES } },
    filter: { words_of_a_place: { type: 'pattern_capture', preserve_original: false, patterns: [`([^${BETWEEN_WORDS}]+)`] } },
    analyzer: { finished_words: { type: 'custom', tokenizer: 'places', filter: ['words_of_a_place'] } },
  },
});

/** The words are not kept a second time as they came: from them, in order, one could read a text. */
export const MAPPINGS = {
  dynamic: 'strict',
  _source: { enabled: false },
  properties: {
    at: { type: 'long' },
    tie: { type: 'keyword' },
    keys: { type: 'keyword', doc_values: false },
    words: {
      type: 'text',
      analyzer: 'finished_words',
      norms: false,
      index_options: 'positions',
      index_prefixes: { min_chars: 1, max_chars: LONGEST_BEGINNING },
    },
  },
} as const;

export const documentOf = ({ at, tie, keys, words }: WordEntry) => ({ at: msOf(at), tie, keys, words: placesOf(words) });

/** The words that stand nowhere first, and a gap behind them. */
const placesOf = (words: WordEntry['words']): string => {
  const places: string[][] = [[], []];
  for (const [word, at] of words) {
    for (const place of at.length === 0 ? [0] : at.map((one) => one + 1)) (places[place] ??= []).push(clean(word));
  }
  return Array.from(places, (some) => (some === undefined || some.length === 0 ? EMPTY : some.join(BETWEEN_WORDS))).join(BETWEEN_PLACES);
};

/** Half a surrogate pair is no text in UTF-8; what stands between words and places is a control character. */
const clean = (word: string): string => word.toWellFormed().replaceAll(/\p{Cc}/gu, ' ');

/** Names of judged queries, by their number. */
const judged = (nth: number): string => String(nth);
export const metBy = (matched: readonly string[], of: number): readonly boolean[] =>
  Array.from({ length: of }, (_, nth) => matched.includes(judged(nth)));

type Clause = Types.Common_QueryDsl.QueryContainer;

export const searchOf = ({ query, within, without, from, until, after, limit, judge }: WordQuestion): API.Search_RequestBody => ({
  size: limit,
  track_total_hits: false,
  _source: false,
  sort: [{ at: 'desc' }, { tie: 'desc' }],
  ...(after === null ? {} : { search_after: [msOf(after.at), after.tie] }),
  query: {
    bool: {
      filter: [
        ...(query === null ? [] : [clauseOf(query)]),
        ...within.map(anyKey),
        ...(from === null && until === null
          ? []
          : [{ range: { at: { ...(from === null ? {} : { gte: msOf(from) }), ...(until === null ? {} : { lt: msOf(until) }) } } }]),
      ],
      must_not: without.length === 0 ? [] : [anyKey(without)],
      should: judge.map((one, nth) => ({ bool: { filter: [clauseOf(one)], _name: judged(nth) } })),
      minimum_should_match: 0,
    },
  },
});

/** OpenSearch takes so many terms at a time (`index.max_terms_count`). */
const MOST_TERMS = 65_536;
const anyKey = (keys: readonly string[]): Clause => {
  if (keys.length <= MOST_TERMS) return { terms: { keys: [...keys] } };
  const parts = Array.from({ length: Math.ceil(keys.length / MOST_TERMS) }, (_, nth) =>
    keys.slice(nth * MOST_TERMS, (nth + 1) * MOST_TERMS),
  );
  return { bool: { should: parts.map((some) => ({ terms: { keys: some } })), minimum_should_match: 1 } };
};

const clauseOf = (query: WordQuery): Clause => {
  switch (query.kind) {
    case 'word':
      return { term: { words: { value: clean(query.word) } } };
    case 'beginning':
      return { prefix: { words: { value: clean(query.word) } } };
    case 'run':
      return spanOf(query.of);
    case 'all':
      return { bool: { filter: query.of.map(clauseOf) } };
    case 'any':
      return { bool: { should: query.of.map(clauseOf), minimum_should_match: 1 } };
    case 'not':
      return { bool: { must_not: [clauseOf(query.query)] } };
  }
};

const spanOf = (parts: readonly RunPart[]): Clause => ({ span_near: { clauses: parts.map(partOf), slop: 0, in_order: true } });

const partOf = (part: RunPart): Types.Common_QueryDsl.SpanQuery => {
  if (part.kind === 'word') return { span_term: { words: { value: clean(part.word) } } };
  if (part.kind === 'beginning') return { span_multi: { match: { prefix: { words: { value: clean(part.word) } } } } };
  return { span_or: { clauses: part.of.map(partOf) } };
};
