import { describe, expect, it } from 'vitest';
import { alignedResults, receivedSpf } from './authentication-results.ts';

const verdict = (value: string, from = 'grace@example.org') => alignedResults(value, from)?.verdict;

describe('Authentication-Results', () => {
  it('pass when DMARC does, or a signature or SPF of the author’s domain', () => {
    expect(verdict('mx.x.test; dmarc=pass (p=none) header.from=example.org')).toBe('pass');
    expect(verdict('mx.x.test; dkim=pass header.d=example.org')).toBe('pass');
    expect(verdict('mx.x.test; dkim=pass header.i=@example.org; spf=none')).toBe('pass');
    expect(verdict('mx.x.test 1; spf=pass smtp.mailfrom=grace@example.org')).toBe('pass');
  });

  it('say nothing for another domain, and take a comment for none of it', () => {
    expect(verdict('mx.x.test; dkim=pass header.d=mallory.test')).toBe('none');
    expect(verdict('mx.x.test; dkim=pass header.d=mail.example.org')).toBe('none');
    expect(verdict('mx.x.test; spf=fail (dmarc=pass; dkim=pass header.d=example.org) smtp.mailfrom=a@b.test')).toBe('none');
    expect(verdict('mx.x.test; none')).toBe('none');
  });

  it('are no pass when DMARC fails, whatever else passes', () => {
    expect(verdict('mx.x.test; dkim=pass header.d=example.org; dmarc=fail header.from=example.org')).toBe('forged');
  });

  it('name who says so', () => {
    expect(alignedResults('MX.X.test 1; spf=pass', 'a@b.test')?.authservId).toBe('mx.x.test');
    expect(alignedResults('', 'a@b.test')).toBeNull();
  });
});

it('Received-SPF passes for who is aligned with the sender', () => {
  expect(receivedSpf('Pass (sender SPF authorized) client-ip=192.0.2.1', 'g@example.org', 'grace@example.org').verdict).toBe('pass');
  expect(receivedSpf('pass', 'g@other.test', 'grace@example.org')).toMatchObject({ spf: 'pass', verdict: 'none' });
  expect(receivedSpf('softfail', 'g@example.org', 'grace@example.org')).toMatchObject({ spf: 'softfail', verdict: 'none' });
});
