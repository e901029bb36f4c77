import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { baseSubject } from './base-subject.ts';

const vectors: readonly (readonly [subject: string, base: string])[] = [
  // RFC 5256 §2.1
  ['Test', 'test'],
  ['Re: Test', 'test'],
  ['re:Test', 'test'],
  ['Fw: Test', 'test'],
  ['FWD: Test', 'test'],
  ['Re : Test', 'test'],
  ['Re: Re: Fwd: Test', 'test'],
  ['Re[2]: Test', 'test'],
  ['Re [2] : Test', 'test'],
  ['[list] Test', 'test'],
  ['[list] Re: [list] Test', 'test'],
  ['[a] [b] Re: Test', 'test'],
  ['Test (fwd)', 'test'],
  ['Test (fwd)  (FWD) ', 'test'],
  ['[Fwd: Test]', 'test'],
  ['Re: [Fwd: [list] Re: Test (fwd)]', 'test'],
  ['[fwd: [fwd: Test]]', 'test'],
  ['a \t  b\r\n c', 'a b c'],
  // step 4: a blob stays when nothing else is left
  ['[list]', '[list]'],
  ['Re: [list]', '[list]'],
  ['[a] [b]', '[b]'],
  ['Re:', ''],
  ['', ''],
  ['(fwd)', ''],
  ['[fwd:]', ''],
  ['[fwd: ]', ''],
  // not leaders
  ['Regarding: Test', 'regarding: test'],
  ['Reply Test', 'reply test'],
  ['Test Re: Test', 'test re: test'],
  ['Release 1.2: notes', 'release 1.2: notes'],
  ['Test (fwd) more', 'test (fwd) more'],
  ['[open Test', '[open test'],
  ['Re[open: Test', 're[open: test'],
  ['Todo: Test', 'todo: test'],
  // counters
  ['Re(2): Test', 'test'],
  ['Re^3: Test', 'test'],
  ['Aw[50]: Test', 'test'],
  // other tongues
  ['TR : Test', 'test'],
  ['RE\u00a0: Test', 'test'],
  ['RÉP : Test', 'test'],
  ['Re\u0301p: Test', 'test'],
  ['AW: WG: Test', 'test'],
  ['Sv: VS: Test', 'test'],
  ['Antw: Test', 'test'],
  ['R: I: Test', 'test'],
  ['RV: RES: ENC: Test', 'test'],
  ['Odp: PD: Test', 'test'],
  ['YNT: İLT: Test', 'test'],
  ['Vá: Továbbítás: Test', 'test'],
  ['ΑΠ: ΠΡΘ: Test', 'test'],
  ['Ответ: Test', 'test'],
  ['回复：Test', 'test'],
  ['答复: 转发: Test', 'test'],
  ['回复[2]：Test', 'test'],
  ['답장: Test', 'test'],
];

describe('baseSubject', () => {
  it.each(vectors)('%j → %j', (subject, base) => expect(baseSubject(subject)).toBe(base));

  it('has nothing left to take away', () => {
    const piece = fc.constantFrom('Re:', '[2]', '[', ']', 'fwd', '(fwd)', '[fwd:', ' ', ':', 'x', 'İ', 'ſ', '\u0301', '回复：', '\t');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const base = baseSubject(pieces.join(''));
        expect(baseSubject(base)).toBe(base);
      }),
      { numRuns: 3000 },
    );
  });

  it('is the same for a reply to a reply', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('Re: ', 'Fwd: ', 'AW: ', '回复：', 'Re[2]: ', '[list] Re: '), (subject, prefix) => {
        expect(baseSubject(prefix + subject)).toBe(baseSubject(subject));
      }),
    );
  });

  it.each(['Re: ', '[a]', '[', '[a', '[fwd:', '[fwd: a]', '(fwd)', 're[', ' ', 'Re[a] ', '\u0301', 're ^'])(
    'takes linear time on %j a hundred thousand times',
    (piece) => {
      const took = (times: number): number => {
        const subject = `${piece.repeat(times)}x${']'.repeat(times)}`;
        const start = performance.now();
        baseSubject(subject);
        return performance.now() - start;
      };
      took(1000);
      expect(took(100_000)).toBeLessThan(1000); // quadratic would be minutes
    },
  );
});
