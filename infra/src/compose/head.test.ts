import * as E from 'fp-ts/lib/Either.js';
import { describe, expect, it } from 'vitest';
import { addFields, readHead } from './head.ts';

const head = (text: string) => readHead(Buffer.from(text));

describe('the head of a message', () => {
  it('is its fields, unfolded, whatever the line ends', () => {
    for (const end of ['\r\n', '\n', '\r']) {
      const read = head(['From: a@b', 'Subject: one', ' two', '', 'body', ''].join(end));
      expect(read).toMatchObject(
        E.right({
          fields: [
            { name: 'from', value: ' a@b' },
            { name: 'subject', value: ' one two' },
          ],
        }),
      );
      expect(E.isRight(read) && read.right.message.toString()).toBe('From: a@b\r\nSubject: one\r\n two\r\n\r\nbody\r\n');
    }
  });
  it.each([
    ['not a header', /header fields/],
    ['From: a\r\n\r\n\0', /NUL/],
    [`From: a\r\n\r\n${'x'.repeat(999)}`, /998/],
    [`${'X: y\r\n'.repeat(50_000)}\r\n`, /256 KiB/],
  ])('%# is refused', (text, reason) => expect(head(text)).toEqual(E.left(expect.stringMatching(reason))));

  it('may get more fields', () => expect(addFields(Buffer.from('A: b\r\n\r\n'), ['C: d']).toString()).toBe('C: d\r\nA: b\r\n\r\n'));
});
