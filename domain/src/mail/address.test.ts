import * as fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import { describe, expect, it } from 'vitest';
import { type AddressFault, domainOf, localPartOf, normaliseAddress } from './address.ts';

const vectors: readonly (readonly [input: string, normal: string])[] = [
  ['ann@tidings.test', 'ann@tidings.test'],
  ['Ann.B+news@Tidings.TEST', 'ann.b+news@tidings.test'],
  ["o'hara!#$%&*/=?^_`{|}~-@x.org", "o'hara!#$%&*/=?^_`{|}~-@x.org"],
  // RFC 5321 §4.1.2: the quoted form means the same; needless quotes go, needed ones stay
  ['"Ann"@x.org', 'ann@x.org'],
  ['"a\\nn"@x.org', 'ann@x.org'],
  ['"ann b"@x.org', '"ann b"@x.org'],
  ['"a\\"b\\\\c"@x.org', '"a\\"b\\\\c"@x.org'],
  ['"a@b"@x.org', '"a@b"@x.org'],
  ['""@x.org', '""@x.org'],
  // RFC 6531: letters beyond ASCII are not folded, their domain in ACE is
  ['ÄNN@x.org', 'Änn@x.org'],
  ['müller@Bücher.example', 'müller@xn--bcher-kva.example'],
  ['ann@xn--BCHER-kva.example', 'ann@xn--bcher-kva.example'],
  ['Пётр@почта.рф', 'Пётр@xn--80a1acny.xn--p1ai'],
  ['ann@[192.0.2.1]', 'ann@[192.0.2.1]'],
  ['ann@[IPv6:2001:DB8::1]', 'ann@[ipv6:2001:db8::1]'],
];

const faults: readonly (readonly [input: string, fault: AddressFault])[] = [
  ['', 'no-at-sign'],
  ['ann', 'no-at-sign'],
  ['@x.org', 'bad-local-part'],
  ['.ann@x.org', 'bad-local-part'],
  ['a..b@x.org', 'bad-local-part'],
  ['ann.@x.org', 'bad-local-part'],
  ['an n@x.org', 'bad-local-part'],
  ['a@b@x.org', 'bad-local-part'],
  ['"ann@x.org', 'bad-local-part'],
  ['<ann@x.org', 'bad-local-part'],
  ['ann\r\nRCPT TO:<bob@x.org', 'bad-local-part'],
  ['ann\u0000@x.org', 'bad-local-part'],
  ['ann@', 'bad-domain'],
  ['ann@x..org', 'bad-domain'],
  ['ann@x.org.', 'bad-domain'],
  ['ann@-x.org', 'bad-domain'],
  ['ann@x_y.org', 'bad-domain'],
  ['ann@x%2eorg', 'bad-domain'],
  ['ann@x.org>', 'bad-domain'],
  ['ann@127.1', 'bad-domain'],
  ['ann@0x7f.0x1', 'bad-domain'],
  ['ann@[nope', 'bad-domain'],
  [`ann@${'a'.repeat(64)}.org`, 'bad-domain'],
  [`${'a'.repeat(65)}@x.org`, 'too-long'],
  [`${'ä'.repeat(33)}@x.org`, 'too-long'],
  [`ann@${'abcdefgh.'.repeat(30)}org`, 'too-long'],
  [`ann@${'a'.repeat(100_000)}`, 'too-long'],
];

describe('normaliseAddress', () => {
  it.each(vectors)('%s is %s', (input, normal) => expect(normaliseAddress(input)).toEqual(E.right(normal)));
  it.each(faults)('%j has the fault %s', (input, fault) => expect(normaliseAddress(input)).toEqual(E.left(fault)));

  it('is stable: a normal form is its own normal form', () => {
    const local = fc.string({ unit: fc.constantFrom('a', 'B', '.', '"', '\\', ' ', '@', 'É', '+'), maxLength: 8 });
    const domain = fc.string({ unit: fc.constantFrom('x', 'Y', '.', '-', '1', 'ü', '[', ']'), maxLength: 8 });
    fc.assert(
      fc.property(local, domain, (before, after) => {
        const once = normaliseAddress(`${before}@${after}`);
        expect(E.chain(normaliseAddress)(once)).toEqual(once);
      }),
      { numRuns: 2000 },
    );
  });

  it('splits at the last @', () => {
    const address = normaliseAddress('"a@b"@x.org');
    expect(E.isRight(address) && [localPartOf(address.right), domainOf(address.right)]).toEqual(['"a@b"', 'x.org']);
  });
});
