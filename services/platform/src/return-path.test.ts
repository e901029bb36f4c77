import type { EmailId } from '@tidings/contracts/ids';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { returningTo, returnPathOf } from './return-path.ts';

const secret = Buffer.alloc(32, 7);
const emails = fc.uuid().map((id) => id as EmailId);
const recipients = fc.option(fc.integer({ min: 0, max: 9_999 }), { nil: null });

it('a return path finds its delivery again, in any case, and fits a local part', () => {
  fc.assert(
    fc.property(emails, recipients, fc.boolean(), fc.boolean(), (emailId, recipient, several, loud) => {
      const to = { emailId, recipient, isShared: recipient !== null && several };
      const address = returnPathOf(secret, to, 'tidings.test');
      expect(address.indexOf('@')).toBeLessThanOrEqual(64);
      expect(returningTo(secret, loud ? address.toUpperCase() : address)).toEqual(to);
    }),
  );
});

it('one that we did not give out finds nothing', () => {
  fc.assert(
    fc.property(emails, recipients, fc.nat(), (emailId, recipient, somewhere) => {
      const address = returnPathOf(secret, { emailId, recipient, isShared: false }, 'tidings.test');
      const at = 7 + (somewhere % 42);
      const other = address[at] === 'a' ? 'b' : 'a';
      expect(returningTo(secret, address.slice(0, at) + other + address.slice(at + 1))).toBeNull();
      expect(returningTo(Buffer.alloc(32, 8), address)).toBeNull();
    }),
  );
  for (const address of ['bounce+@tidings.test', 'ada@tidings.test', 'bounce+aaaa@tidings.test', 'bounce+!!@tidings.test', ''])
    expect(returningTo(secret, address)).toBeNull();
});
