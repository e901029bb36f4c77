import { describe, expect, it } from 'vitest';
import { bodyStart, contentHash, fieldsOf, tame } from './head.ts';
import { MAX_FIELD_BYTES, MAX_HEAD_BYTES } from './limits.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

describe('the header', () => {
  it.each([
    ['A: b\r\n\r\nbody', 8],
    ['A: b\n\nbody', 6],
    ['\r\nbody', 2],
    ['\nbody', 1],
    ['A: b\r\nB: c', 10],
    ['', 0],
  ])('of %j ends at %d', (mail, at) => {
    expect(bodyStart(bytes(mail))).toBe(at);
  });

  it('has fields with their continuations', () => {
    expect([...fieldsOf(bytes('A: 1\r\n 2\r\n\t3\r\nB: 4\r\n'))].map((field) => Buffer.from(field).toString())).toEqual([
      'A: 1\r\n 2\r\n\t3\r\n',
      'B: 4\r\n',
    ]);
  });

  it('stays as it is when it can', () => {
    const mail = bytes('A: b\r\n\r\nbody \xff');
    expect(tame(mail)).toBe(mail);
  });

  it('is cut when it is too long, and the body stays', () => {
    const field = `To: ${'someone@example.org, '.repeat(50_000)}\r\n`;
    const tamed = Buffer.from(tame(bytes(`Subject: s\r\n${field}X: y\r\n\r\nbody`))).toString();
    expect(tamed.endsWith('X: y\r\n\r\nbody')).toBe(true);
    expect(tamed.length).toBeLessThan(MAX_FIELD_BYTES + 100);
    const many = Buffer.from(tame(bytes('A: b\r\n'.repeat(100_000) + '\r\nbody')));
    expect(many.length).toBeLessThan(MAX_HEAD_BYTES + 100);
    expect(many.toString().endsWith('\r\n\r\nbody')).toBe(true);
  });

  it('becomes UTF-8, by the charset of the body where it has one', () => {
    expect(Buffer.from(tame(bytes('Subject: D\xe9j\xe0\r\n\r\n'))).toString()).toBe('Subject: Déjà\r\n\r\n');
    expect(Buffer.from(tame(bytes('Subject: \xf0\xf2\r\nContent-Type: text/plain; charset=koi8-r\r\n\r\n'))).toString()).toContain(
      'Subject: ПР',
    );
  });
});

describe('the content hash', () => {
  const mail = (trace: string, body: string): string => contentHash(bytes(`${trace}From: a@x\r\nMessage-ID: <1@x>\r\n\r\n${body}`));
  it('does not see the way a mail took', () => {
    expect(mail('Received: from a\r\n by b\r\nDelivered-To: c@x\r\n', 'text')).toBe(mail('Received: from z\r\n', 'text'));
  });
  it('sees everything else', () => {
    expect(mail('', 'text')).not.toBe(mail('', 'texT'));
    expect(mail('Subject: s\r\n', 'text')).not.toBe(mail('', 'text'));
  });
});
