import * as E from 'fp-ts/lib/Either.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseQuery } from './grammar.ts';

/** As it was understood: phrases in quotes, `*` behind what may go on, minus before what must not be there. */
const understood = (typed: string): string => {
  const parsed = parseQuery(typed);
  if (E.isLeft(parsed)) return `q ${parsed.left}`;
  const { all, none } = parsed.right;
  const shown = ({ words, prefix }: (typeof all)[number]) =>
    `${words.length > 1 ? `"${words.join(' ')}"` : words.join('')}${prefix ? '*' : ''}`;
  return [...all.map(shown), ...none.map((term) => `-${shown(term)}`)].join(' ');
};

describe('the grammar of searches', () => {
  it.each([
    ['words, the last in typing', 'Red blue gre', 'red blue gre*'],
    ['a last word that is done', 'red blue ', 'red blue'],
    ['a last word with its full stop', 'red blue.', 'red blue'],
    ['phrases', '"Red blue" green', '"red blue" green*'],
    ['typographic quotes', '“red blue”', '"red blue"'],
    ['exclusions', 'red -blue -"dark green"', 'red -blue -"dark green"'],
    ['hyphens', 'e-mail re-read -', '"e mail" "re read"'],
    ['words with punctuation inside', "don't ada@exa", '"don t" "ada exa"*'],
    ['quotes without a space around', 'red"blue"-green', 'red blue green*'],
    ['empty phrases', '"" red', 'red*'],
    ['Chinese', '東京', '"東 京"*'],
    ['characters with a meaning elsewhere', `a:* & !b | 'c' <-> \\d %_`, `a b c d _*`],
  ])('understands %s', (_, typed, expected) => {
    expect(understood(typed)).toBe(expected);
  });

  it.each([
    ['', 'q must contain at least one word that is not excluded'],
    ['   …', 'q must contain at least one word that is not excluded'],
    ['-red', 'q must contain at least one word that is not excluded'],
    ['red "blue', 'q must close every quotation mark it opens'],
    ['x '.repeat(33), 'q must contain at most 32 words'],
  ])('says which rule %j breaks', (typed, rule) => {
    expect(understood(typed)).toBe(rule);
  });

  it('has an answer to everything, in time that grows with what was typed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (typed) => {
        const parsed = parseQuery(typed);
        if (E.isRight(parsed)) expect(parsed.right.all.every(({ words }) => words.length > 0)).toBe(true);
      }),
      { numRuns: 50 },
    );
    for (const character of ['"', '-', 'a', ' ', '-"']) expect(() => parseQuery(character.repeat(20_000))).not.toThrow();
  });
});
