import * as E from 'fp-ts/lib/Either.js';
import { describe, expect, it } from 'vitest';
import { Emoji } from './emoji.ts';
import { Json } from './json.ts';

describe('a reaction', () => {
  it.each(['👍', '👍🏽', '❤️', '🇩🇪', '1️⃣', '👩🏽‍💻', '🏳️‍🌈', '👨‍👩‍👧‍👦', '🏴󠁧󠁢󠁳󠁣󠁴󠁿', ':ship_it:', ':+1:'])('is one emoji or a shortcode: %s', (emoji) => {
    expect(Emoji.decode(emoji)).toEqual(E.right(emoji));
  });

  it('is the same one whether or not a keyboard asked for its colourful look', () => {
    expect(Emoji.decode('\u2764')).toEqual(E.right('\u2764\uFE0F'));
    expect(Emoji.is('\u2764')).toBe(false);
  });

  it.each(['', 'a', '1', '👍👍', '👍 ', ':a b:', '::', `:${'a'.repeat(51)}:`, ':Ship:', null, 7, {}, ['👍']])(
    'is nothing else: %j',
    (other) => {
      expect(E.isLeft(Emoji.decode(other))).toBe(true);
    },
  );
});

describe('JSON of unknown shape', () => {
  it('is anything that JSON can say, not nested without end', () => {
    for (const value of [null, 0, 'a', false, [], {}, { a: [{ b: null }] }]) expect(Json.decode(value)).toEqual(E.right(value));
    for (const value of [undefined, Number.NaN, () => 1, { a: undefined }]) expect(E.isLeft(Json.decode(value))).toBe(true);
    const deep: unknown = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000));
    expect(E.isLeft(Json.decode(deep))).toBe(true);
  });
});
