import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wordsOf } from './words.ts';

/** Nothing that needs escaping in a lexeme. */
const WORD = /^[\p{L}\p{N}\p{M}_\p{Extended_Pictographic}]+$/u;
const words = (text: string) => wordsOf(text).map(({ word }) => word);

describe('words', () => {
  it.each([
    ['case', 'Hello WORLD', ['hello', 'world']],
    ['accents, composed or not', 'Café cafe\u0301 Ångström', ['cafe', 'cafe', 'angstrom']],
    [
      'letters of other alphabets',
      'Straße Œuvre smørrebrød Łódź ıstanbul İstanbul',
      ['strasse', 'oeuvre', 'smorrebrod', 'lodz', 'istanbul', 'istanbul'],
    ],
    ['Greek with its final sigma, Cyrillic', 'ΣΊΣΥΦΟΣ Σίσυφος Ёлка', ['σισυφοσ', 'σισυφοσ', 'елка']],
    ['width and ligatures', 'Ｗｉｄｅ ﬁne ½', ['wide', 'fine', '1', '2']],
    ['punctuation', "don't foo@bar.example, a_b-c (x)", ['don', 't', 'foo', 'bar', 'example', 'a_b', 'c', 'x']],
    ['scripts without spaces', '東京タワー ไทย', ['東', '京', 'タ', 'ワ', 'ー', 'ไ', 'ท', 'ย']],
    ['Hangul whole, Japanese voicing kept', '한국어 がか', ['한국어', 'が', 'か']],
    ['emoji, however drawn', 'ok ❤️ 👩🏽‍💻', ['ok', '❤', '👩', '💻']],
    ['nothing', ' \u0000\ud83d…', []],
  ])('fold %s', (_, text, expected) => {
    expect(words(text)).toEqual(expected);
  });

  it('are what they are folded from, and folded they stay', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        const found = wordsOf(text);
        const broken = found.filter(({ word, start, end }) => !WORD.test(word) || start >= end || end > text.length);
        expect(broken).toEqual([]);
        const once = found.map(({ word }) => word);
        expect(words(once.join(' '))).toEqual(once);
      }),
      { numRuns: 100 },
    );
  });

  it('have an end', () => {
    expect(words('😀'.repeat(3))).toHaveLength(3);
    expect(words('𝒳'.repeat(300))).toEqual(['x'.repeat(64)]);
  });
});
