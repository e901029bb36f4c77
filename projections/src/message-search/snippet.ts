/** The part of a text that shows why it was found. */
import type { SearchQuery } from '@tidings/contracts/ports/message-search';
import { wordsOf, type Word } from './words.ts';

/** About so many characters (UTF-16) on each side of the first match. */
const BEFORE = 40;
const AFTER = 100;

/** Plain text around the first match, cut at words, with an ellipsis where something was left out; a short text whole. */
export const snippetOf = (text: string, query: SearchQuery): string => {
  const words = wordsOf(text);
  const match = firstMatch(words, query);
  const [matchStart, matchEnd] = match === undefined ? [0, 0] : match;
  // Cut where a word begins or ends: never within one, and so never within a character.
  const start = matchStart <= BEFORE ? 0 : (words.find((word) => word.start >= matchStart - BEFORE)?.start ?? 0);
  const limit = matchEnd + AFTER;
  const end = text.length <= limit ? text.length : Math.max(matchEnd, words.findLast((word) => word.end <= limit)?.end ?? 0);
  const shown = end === 0 ? cutCharacters(text, limit) : text.slice(start, end);
  return `${start > 0 ? '…' : ''}${shown.trim()}${start + shown.length < text.length ? '…' : ''}`;
};

const firstMatch = (words: readonly Word[], { all }: SearchQuery): readonly [number, number] | undefined => {
  for (const [at, { start }] of words.entries()) {
    for (const { words: wanted, prefix } of all) {
      const isHere = wanted.every((word, offset) => {
        const found = words[at + offset]?.word;
        return prefix && offset === wanted.length - 1 ? found?.startsWith(word) === true : found === word;
      });
      if (isHere) return [start, words[at + wanted.length - 1]?.end ?? start];
    }
  }
  return undefined;
};

/** For text without words. */
const cutCharacters = (text: string, limit: number): string => text.slice(0, limit).replace(/[\ud800-\udbff]$/u, '');
