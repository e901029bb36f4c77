/** A `WordIndex` in memory, for tests: it looks at every entry. */
import type { Position } from '@tidings/contracts/ports/event-log';
import {
  type RunPart,
  STANDS_FOR,
  type WordEntry,
  type WordIndex,
  WordIndexMissing,
  type WordPlace,
  type WordQuery,
  type Words,
} from '@tidings/contracts/ports/word-index';

interface Kept {
  readonly version: Position;
  readonly entry: WordEntry | null;
}

export const memoryWordIndex = (): WordIndex => {
  const indexes = new Map<string, { readonly written: Map<string, Kept>; found: readonly WordEntry[] }>();
  const indexAt = (name: string) => {
    const index = indexes.get(name);
    if (index === undefined) throw new WordIndexMissing(`there is no search index ${name}`);
    return index;
  };
  return {
    make: async (name) => {
      if (!indexes.has(name)) indexes.set(name, { written: new Map(), found: [] });
    },
    write: async (name, changes) => {
      const { written } = indexAt(name);
      for (const change of changes) {
        const id = change.kind === 'put' ? change.entry.id : change.id;
        if ((written.get(id)?.version ?? '') >= change.version) continue;
        written.set(id, { version: change.version, entry: change.kind === 'put' ? change.entry : null });
      }
    },
    settle: async (name) => {
      const index = indexAt(name);
      index.found = [...index.written.values()].flatMap(({ entry }) => entry ?? []).toSorted(newestFirst);
    },
    find: async (name, { query, within, without, from, until, after, limit, judge }) =>
      indexAt(name)
        .found.filter(({ at }) => (from === null || at >= from) && (until === null || at < until))
        .filter((entry) => after === null || newestFirst(after, entry) < 0)
        .filter(({ keys }) => within.every((some) => keys.some((key) => some.includes(key))) && !keys.some((key) => without.includes(key)))
        .filter(({ words }) => query === null || meets(words, query))
        .slice(0, limit)
        .map(({ id, at, tie, words }) => ({ id, at, tie, met: judge.map((one) => meets(words, one)) })),
    count: async (name) => indexAt(name).found.length,
    remove: async (names) => {
      for (const name of names) indexes.delete(name);
    },
  };
};

/** Times and ties sort as text. */
const newestFirst = (a: WordPlace, b: WordPlace): number => (a.at === b.at ? compare(b.tie, a.tie) : compare(b.at, a.at));
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const meets = (words: Words, query: WordQuery): boolean => {
  switch (query.kind) {
    case 'word':
      return words.has(query.word);
    case 'beginning':
      return [...words.keys()].some((word) => begins(word, query.word));
    case 'run':
      return endsOfRun(words, query.of).size > 0;
    case 'all':
      return query.of.every((one) => meets(words, one));
    case 'any':
      return query.of.some((one) => meets(words, one));
    case 'not':
      return !meets(words, query.query);
  }
};

/** The places at which such runs end. */
const endsOfRun = (words: Words, parts: readonly RunPart[]): ReadonlySet<number> =>
  parts.map((part) => placesOf(words, part)).reduce((ends, places) => new Set([...places].filter((place) => ends.has(place - 1))));

const placesOf = (words: Words, part: RunPart): ReadonlySet<number> => {
  if (part.kind === 'any') return new Set(part.of.flatMap((one) => [...placesOf(words, one)]));
  if (part.kind === 'word') return new Set(words.get(part.word));
  return new Set([...words].flatMap(([word, places]) => (begins(word, part.word) ? places : [])));
};

const begins = (word: string, how: string): boolean => word.startsWith(how) && word.includes(STANDS_FOR) === how.includes(STANDS_FOR);
