/** The part of a mail that shows why it was found. */
import type { MailQuery } from '@tidings/contracts/mail-query/ast';
import type { SearchTerm } from '@tidings/contracts/ports/message-search';
import { snippetOf } from '../message-search/snippet.ts';
import { wordsOf } from '../message-search/words.ts';

/** Fewer letters of a word say too little for another ending of it to be recognised. */
const SHORTEST_STEM = 4;
const LONGEST_ENDING = 3;

/**
 * Plain text around the first of the wanted words; null when none is there, because the mail was found by something else. A word with another ending
 * is recognised by its beginning.
 */
export const mailSnippet = (text: string, query: MailQuery): string | null => {
  const all = termsOf(query);
  return isIn(text, all) ? snippetOf(text, { all, none: [] }) : null;
};

const termsOf = (query: MailQuery): readonly SearchTerm[] => {
  if (query.kind === 'all' || query.kind === 'any') return query.of.flatMap(termsOf);
  if (query.kind !== 'text' || (query.field !== 'any' && query.field !== 'body')) return [];
  const words = wordsOf(query.text).map(({ word }) => word);
  const [only, ...more] = words;
  if (only === undefined) return [];
  if (query.exact || more.length > 0) return [{ words, prefix: !query.exact }];
  const stem = [...only].slice(0, Math.max(SHORTEST_STEM, [...only].length - LONGEST_ENDING)).join('');
  return [
    { words, prefix: [...only].length > 2 },
    { words: [stem], prefix: true },
  ];
};

const isIn = (text: string, terms: readonly SearchTerm[]): boolean => {
  const words = wordsOf(text).map(({ word }) => word);
  return words.some((_, at) =>
    terms.some(({ words: wanted, prefix }) =>
      wanted.every((word, offset) => {
        const found = words[at + offset];
        return prefix && offset === wanted.length - 1 ? found?.startsWith(word) === true : found === word;
      }),
    ),
  );
};
