import type { EmailContent } from '@tidings/contracts/events/email';
import { SHREDDED } from '@tidings/contracts/sealed';
import { describe, expect, it } from 'vitest';
import { envelopeBeside } from './envelope.ts';

const named = (...emails: readonly string[]): EmailContent['to'] => emails.map((email) => ({ name: null, email }));
const content = { to: named('Ada@tidings.test'), cc: named('team@tidings.test') } as unknown as EmailContent; // all that is looked at
const envelope = (...rcptTo: readonly string[]) => ({ mailFrom: 'x@y.test', rcptTo, helo: 'y', clientAddress: '::1' });

describe('the envelope of a filed email', () => {
  it('is kept only for recipients whom the headers do not name', () => {
    expect(envelopeBeside(envelope('ada@TIDINGS.test', 'team@tidings.test'), content)).toBeNull();
    expect(envelopeBeside(envelope('ada@tidings.test', 'hidden@tidings.test'), content)).toEqual(
      envelope('ada@tidings.test', 'hidden@tidings.test'),
    );
    expect(envelopeBeside(SHREDDED, content)).toBe(SHREDDED);
  });
});
