import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineGuard, MAX_LINE_BYTES } from './line-guard.ts';

const faultOf = (...chunks: readonly Buffer[]): string | null => {
  const guard = new LineGuard();
  for (const chunk of chunks) guard.see(chunk);
  return guard.fault?.message ?? null;
};
const text = (...chunks: readonly string[]): string | null => faultOf(...chunks.map((chunk) => Buffer.from(chunk, 'latin1')));

describe('the line guard', () => {
  it.each([['\n'], ['a\nb'], ['a\r'], ['a\rb'], ['\r\r\n'], ['a\r\n\n']])('finds the bare line end in %j however it is cut', (bare) => {
    const whole = `\r\n${bare}b\r\n`.slice(2);
    for (let cut = 0; cut <= whole.length; cut += 1) expect(text(whole.slice(0, cut), whole.slice(cut))).toContain('Bare CR or LF');
  });

  it('agrees with a reader of single bytes, wherever the chunks end', () => {
    const byte = fc.constantFrom('a', '.', '\r\n', '\r\n', '\r', '\n', '\xff');
    fc.assert(
      fc.property(fc.array(fc.array(byte, { maxLength: 6 }), { maxLength: 6 }), (pieces) => {
        const chunks = pieces.map((piece) => piece.join(''));
        // A CR at the very end has no successor yet.
        const isBare = /(?:^|[^\r])\n|\r[^\n]/.test(chunks.join(''));
        expect(text(...chunks) !== null).toBe(isBare);
      }),
    );
  });

  it('counts a line across chunks and begins anew behind each end', () => {
    const line = (length: number): Buffer => Buffer.alloc(length, 'x');
    const end = Buffer.from('\r\n');
    const longest = MAX_LINE_BYTES - 1; // its CR counts
    expect(faultOf(line(longest), end, line(longest), end)).toBeNull();
    expect(faultOf(Buffer.concat([line(longest), end, line(longest), end]))).toBeNull();
    expect(faultOf(line(10), Buffer.concat([line(longest - 10), end, line(1)]))).toBeNull();
    expect(faultOf(line(longest + 1), end)).toContain('Line too long');
    expect(faultOf(line(10), Buffer.concat([line(longest - 9), end]))).toContain('Line too long');
    expect(faultOf(Buffer.concat([end, line(longest + 2)]))).toContain('Line too long');
    expect(faultOf(...Array.from({ length: 20 }, () => line(MAX_LINE_BYTES / 16)))).toContain('Line too long');
  });
});
