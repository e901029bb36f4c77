import * as E from 'fp-ts/lib/Either.js';
import { describe, expect, it } from 'vitest';
import { parseQuery } from './grammar.ts';
import { snippetOf } from './snippet.ts';

const snippet = (text: string, typed: string): string => {
  const query = parseQuery(typed);
  if (E.isLeft(query)) throw new Error(query.left);
  return snippetOf(text, query.right);
};
const filler = 'lorem ipsum dolor sit amet '.repeat(10).trim();

describe('a snippet', () => {
  it('is a short text as it is', () => {
    expect(snippet('Crème brûlée, please!', 'brulee')).toBe('Crème brûlée, please!');
  });

  it('is cut at words around the first match', () => {
    expect(snippet(`${filler} Tea ${filler}`, 'tea')).toBe(
      '…sit amet lorem ipsum dolor sit amet Tea lorem ipsum dolor sit amet lorem ipsum dolor sit amet lorem ipsum dolor sit amet lorem ipsum dolor…',
    );
    expect(snippet(`${filler} tea ${filler} green tea`, '"green tea"')).toBe('…sit amet lorem ipsum dolor sit amet green tea');
  });

  it('is the beginning of a text that no longer matches, and never half a character', () => {
    expect(snippet(filler, 'tea')).toBe(
      'lorem ipsum dolor sit amet lorem ipsum dolor sit amet lorem ipsum dolor sit amet lorem ipsum dolor…',
    );
    expect(snippet(`a${'\u{1d173}'.repeat(200)}`, 'tea')).toMatch(/^a(\u{1d173})*…?$/u);
    expect(snippet('', 'tea')).toBe('');
  });
});
