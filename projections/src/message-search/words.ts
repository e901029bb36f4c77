/**
 * Text as search sees it: words, folded so that case, accents, width and ligatures do not matter. Index and questions go through the same
 * function, so nothing here may depend on the database, its extensions or its locale.
 */

export interface Word {
  readonly word: string;
  /** Where the run of characters that it comes from stands in the text, as UTF-16 offsets. */
  readonly start: number;
  readonly end: number;
}

/** Longer runs are data, not words; a lexeme of Postgres ends at 2 kB. In Unicode scalars. */
const LONGEST_WORD = 64;

/** Runs of what words are made of. An emoji is a word too. */
const RUN = /[\p{L}\p{N}\p{M}_]+|\p{Extended_Pictographic}/gu;
/** Scripts that put no spaces between words: each character is a word, so that any part of a sentence can be found as a phrase. */
const ALONE = String.raw`\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmr}\p{sc=Mymr}`;
/** A folded run once more: `½` unfolds to `1⁄2`, which is two words. */
const WORD = new RegExp(String.raw`[${ALONE}]|(?:(?![${ALONE}])[\p{L}\p{N}\p{M}_])+|\p{Extended_Pictographic}`, 'gu');
/** Accents of Latin, Greek and Cyrillic, vowel points of Arabic, and what says how an emoji is drawn. */
const ACCENTS = /[\u0300-\u036f]|[\u064b-\u0655]|[\ufe00-\ufe0f]/gu;
/** Letters that are no letter with an accent by Unicode, but by everyone who types on another keyboard. */
const LETTERS: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  ħ: 'h',
  ı: 'i',
  ł: 'l',
  þ: 'th',
  ς: 'σ',
};
const LETTER = new RegExp(`[${Object.keys(LETTERS).join('')}]`, 'gu');

/** The words of a text in order. */
export const wordsOf = (text: string): readonly Word[] => {
  const found: Word[] = [];
  for (const { 0: run, index: start } of text.matchAll(RUN)) {
    const end = start + run.length;
    // Most runs by far are a word as they stand.
    if (ASCII.test(run)) found.push({ word: shortened(run.toLowerCase()), start, end });
    else for (const [word] of fold(run).matchAll(WORD)) found.push({ word: shortened(word), start, end });
  }
  return found;
};

const ASCII = /^\w*$/;

const fold = (run: string): string => {
  // Composed again at the end: Hangul would fall apart, and Japanese voicing marks are no accents.
  return run
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(ACCENTS, '')
    .replaceAll(LETTER, (letter) => LETTERS[letter] ?? letter)
    .normalize('NFC');
};

const shortened = (word: string): string => (word.length <= LONGEST_WORD ? word : [...word].slice(0, LONGEST_WORD).join(''));
