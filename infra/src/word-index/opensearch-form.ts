/**
 * Entries and questions as OpenSearch takes them. It cuts no text into words and knows no tongue: the places of an entry come one behind the other, all words of a
 * place together, so what it keeps is just what Postgres keeps as a `tsvector`, and it answers the same questions with the same set.
 */
import type { API, Types } from '@opensearch-project/opensearch';
import { msOf } from '@tidings/contracts/time';
import {
  type RunPart,
  type SingleWord,
  STANDS_FOR,
  type WordEntry,
  type WordQuery,
  type WordQuestion,
} from '@tidings/contracts/ports/word-index';

/** What no word has: see `clean`. */
const BETWEEN_WORDS = '\u001f';
const BETWEEN_PLACES = '\u001e';
/** A place without a word; no word begins so. */
const EMPTY = '\u001d';

/**
 * Beginnings of words are words of their own, most of what there is to write: shorter ones are asked for by nobody, longer ones are rare, and looked for among all
 * words. Those of words that stand for others always are.
 */
const BEGINNINGS = { min_chars: 3, max_chars: 12 };

const PLACED_WORDS = { type: 'text', analyzer: 'finished_words', norms: false, index_options: 'positions' } as const;

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
    tie: { type: 'keyword', index: false }, // entries are sorted by it, and looked for by `_id`
    keys: { type: 'keyword', doc_values: false },
    words: { ...PLACED_WORDS, index_prefixes: BEGINNINGS },
    stand_ins: PLACED_WORDS,
  },
} as const;

export const documentOf = ({ at, tie, keys, words }: WordEntry) => {
  const places = { words: new Places(), stand_ins: new Places() };
  for (const [word, stands] of words) places[fieldOf(word)].add(clean(word), stands);
  const standIns = places.stand_ins.text();
  return { at: msOf(at), tie, keys, words: places.words.text(), ...(standIns === '' ? {} : { stand_ins: standIns }) };
};

const fieldOf = (word: string): 'words' | 'stand_ins' => (word.includes(STANDS_FOR) ? 'stand_ins' : 'words');

class Places {
  /** The words that stand nowhere first, and a gap behind them. */
  readonly #texts: string[] = [];

  add(word: string, places: readonly number[]): void {
    if (places.length === 0) this.#addAt(0, word);
    for (const place of places) this.#addAt(place + 1, word);
  }

  #addAt(place: number, word: string): void {
    while (this.#texts.length <= place) this.#texts.push('');
    const others = this.#texts[place] ?? '';
    this.#texts[place] = others === '' ? word : others + BETWEEN_WORDS + word;
  }

  text(): string {
    return this.#texts.map((some) => (some === '' ? EMPTY : some)).join(BETWEEN_PLACES);
  }
}

/** Half a surrogate pair is no text in UTF-8; what stands between words and places is a control character. Hardly a word has either. */
const clean = (word: string): string => (word.isWellFormed() && !CONTROL.test(word) ? word : word.toWellFormed().replaceAll(CONTROLS, ' '));
const CONTROL = /\p{Cc}/u;
const CONTROLS = /\p{Cc}/gu;

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
      return { term: inField(query) };
    case 'beginning':
      return { prefix: inField(query) };
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

const inField = ({ word }: SingleWord) => ({ [fieldOf(word)]: { value: clean(word) } });

const spanOf = (parts: readonly RunPart[]): Clause => ({ span_near: { clauses: parts.map(partOf), slop: 0, in_order: true } });

const partOf = (part: RunPart): Types.Common_QueryDsl.SpanQuery => {
  if (part.kind === 'any') return { span_or: { clauses: part.of.map(partOf) } };
  const span = part.kind === 'word' ? { span_term: inField(part) } : { span_multi: { match: { prefix: inField(part) } } };
  // Places are the same in both fields, but a run has to be told so.
  return fieldOf(part.word) === 'words' ? span : { field_masking_span: { query: span, field: 'words' } };
};
