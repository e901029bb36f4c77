import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flowed } from './flowed.ts';
import { unflowed } from './testing/unflowed.ts';

const long = 'a paragraph of many short words that goes on well beyond the width of one line, and then a little more';

describe('flowed', () => {
  it('breaks a paragraph at spaces and keeps them at the ends', () => {
    const lines = flowed(long).split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/ $/);
    expect(lines.join('')).toBe(long);
  });
  it.each([
    ['-- ', '-- '],
    ['a  ', 'a'],
    [' indented', '  indented'],
    ['From here', ' From here'],
    ['> quoted', '> quoted'],
    ['>> deeper', '>> deeper'],
    ['>', '>'],
    ['', ''],
    ['x'.repeat(200), 'x'.repeat(200)],
  ])('%j → %j', (line, expected) => expect(flowed(line)).toBe(expected));

  it('leaves what is quoted as it is', () => expect(flowed(`> ${long}`)).toBe(`> ${long}`));

  it('is the text again for who puts it together', () => {
    const word = fc.constantFrom('a', 'word', 'längeres', '>', '> x', 'From', '-', '--', '語', 'x'.repeat(90));
    const line = fc.array(word, { maxLength: 30 }).map((words) => words.join(' '));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 6 }), (lines) => {
        const text = lines.map((one) => one.trimEnd()).join('\n');
        expect(unflowed(flowed(text))).toBe(text);
      }),
      { numRuns: 500 },
    );
  });

  it('takes linear time', () => {
    for (const piece of ['a ', '>', '> ', ' ', '\n', 'x']) {
      const start = performance.now();
      flowed(piece.repeat(100_000));
      expect(performance.now() - start).toBeLessThan(2_000);
    }
  });
});
