import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PREVIEW_LENGTH, previewOf } from './preview.ts';

const vectors: readonly (readonly [text: string, preview: string])[] = [
  ['', ''],
  ['Hello Bob,\r\n\r\n  how are\tyou?\r\n', 'Hello Bob, how are you?'],
  ['Yes.\n\n> Lunch?\n> Noon?\n\nAlice', 'Yes. Alice'],
  ['Hi\n-- \nAlice\nRowing club', 'Hi'],
  ['Hi\r\n-- \r\nAlice', 'Hi'],
  ['a -- b', 'a -- b'],
  // nothing but quotes: better those than nothing
  ['> Lunch?\n> Noon?', '> Lunch? > Noon?'],
  ['-- \nAlice', '-- Alice'],
  // padding of newsletters, marks that reorder, controls
  ['Sale\u00a0\u200c\u034f \u200c\u00a0\u200b\ufeff ends', 'Sale ends'],
  ['a\u202eb\u2066c\u0000d\u00ade', 'abcde'],
  ['👩\u200d🚀 می\u200cخواهم ❤\ufe0f', '👩\u200d🚀 می\u200cخواهم ❤\ufe0f'],
  ['\ud800x', '\ufffdx'],
];

describe('previewOf', () => {
  it.each(vectors)('%j → %j', (text, preview) => expect(previewOf(text)).toBe(preview));

  it('cuts between words, and long words anywhere', () => {
    expect(previewOf('word '.repeat(100))).toBe(`${'word '.repeat(27)}word…`);
    expect(previewOf('x'.repeat(500))).toBe(`${'x'.repeat(PREVIEW_LENGTH - 1)}…`);
    expect(previewOf('😀'.repeat(PREVIEW_LENGTH))).toBe('😀'.repeat(PREVIEW_LENGTH));
    expect(previewOf('😀'.repeat(500))).toBe(`${'😀'.repeat(PREVIEW_LENGTH - 1)}…`);
  });

  it('is one line of at most 140 characters, whatever it is given', () => {
    const pieces = fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\n', '\r\n', '> ', '-- \n', ' ', 'words and more')), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(pieces, (parts) => {
        const preview = previewOf(parts.join(''));
        expect([...preview].length).toBeLessThanOrEqual(PREVIEW_LENGTH);
        expect(preview).not.toMatch(/[\r\n\t]| {2}|^ | $/);
        expect(preview.isWellFormed()).toBe(true);
      }),
    );
  });

  it.each(['x'.repeat(5_000_000), '> x\n'.repeat(1_000_000), '\u200c'.repeat(3_000_000), '\n'.repeat(3_000_000)])(
    'does not read it all',
    (text) => {
      const start = performance.now();
      previewOf(text);
      expect(performance.now() - start).toBeLessThan(1500);
    },
  );
});
