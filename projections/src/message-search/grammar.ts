/**
 * What people type into the search box: `words` that must all be there, `"a phrase"`, `-word` and `-"a phrase"` that must not; the last
 * word also as the beginning of a longer one, because it may still be in typing. Anything else is punctuation.
 */
import type { SearchQuery, SearchTerm } from '@tidings/contracts/ports/message-search';
import * as E from 'fp-ts/lib/Either.js';
import { wordsOf } from './words.ts';

const MOST_WORDS = 32;

/** The rule that was broken, to stand behind the field's name: `q must …`. */
export type BrokenRule = string;

/** Phones write them by themselves. */
const TYPOGRAPHIC_QUOTES = /[“”„‟]/gu;
/** An optional minus, then a phrase in quotes (which may lack its end) or characters up to a space or quote. */
const PART = /(-?)(?:"([^"]*)("?)|([^\s"]+))/gu;

export const parseQuery = (typed: string): E.Either<BrokenRule, SearchQuery> => {
  const all: SearchTerm[] = [];
  const none: SearchTerm[] = [];
  const text = typed.replaceAll(TYPOGRAPHIC_QUOTES, '"');
  for (const { 0: part, 1: minus, 2: phrase, 3: closing, 4: bare, index } of text.matchAll(PART)) {
    if (phrase !== undefined && closing === '') return E.left('must close every quotation mark it opens');
    const inside = phrase ?? bare ?? '';
    const found = wordsOf(inside);
    if (found.length === 0) continue;
    const isExcluded = minus === '-' && startsPart(text, index);
    const isInTyping = !isExcluded && bare !== undefined && index + part.length === text.length && found.at(-1)?.end === inside.length;
    (isExcluded ? none : all).push({ words: found.map(({ word }) => word), prefix: isInTyping });
  }
  if (all.length === 0) return E.left('must contain at least one word that is not excluded');
  const words = [...all, ...none].reduce((sum, term) => sum + term.words.length, 0);
  return words > MOST_WORDS ? E.left(`must contain at most ${MOST_WORDS} words`) : E.right({ all, none });
};

/** A minus within a word, or right behind a phrase, is a hyphen. */
const startsPart = (text: string, index: number): boolean => index === 0 || /\s/u.test(text.charAt(index - 1));
