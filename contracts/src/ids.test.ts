import fc from 'fast-check';
import { v5 } from 'uuid';
import { describe, expect, it } from 'vitest';
import { derivedId } from './ids.ts';
import { nameUuid as inBrowsers } from './name-uuid.browser.ts';
import { nameUuid } from './name-uuid.ts';

describe('derived ids', () => {
  it('are the version 5 UUIDs that the uuid package makes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.integer())), (kind, parts) => {
        const name = [kind, ...parts].map((part) => `${String(part).length}:${part}`).join('|');
        expect(derivedId<string>(kind, ...parts)).toBe(v5(new TextEncoder().encode(name), 'c1d6f4d2-8c0b-5d5e-9f0e-2f6b4c1a7e10'));
      }),
    );
  });

  it('are the same in browsers', () => {
    for (const name of ['', 'event', 'größer 😀']) expect(inBrowsers(name)).toBe(nameUuid(name));
  });

  it('differ when the same text is cut elsewhere', () => {
    expect(derivedId('kind', 'ab', 'c')).not.toBe(derivedId('kind', 'a', 'bc'));
  });
});
