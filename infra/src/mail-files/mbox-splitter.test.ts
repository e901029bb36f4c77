import { describe, expect, it } from 'vitest';
import { liveBytes } from '../blobs/live-bytes.ts';
import { MboxSplitter } from './mbox-splitter.ts';

const A = 'From ada@example.org Fri Nov 20 10:00:00 2026';
const B = 'From - Sat Nov 21 11:30:00 2026';

/** The mails as text, and the line before each. */
const split = (mbox: string, cut: number): readonly (readonly [string, string])[] => {
  const bytes = Buffer.from(mbox, 'latin1');
  const splitter = new MboxSplitter();
  const found = [];
  for (let at = 0; at < bytes.length; at += cut) found.push(...splitter.push(bytes.subarray(at, at + cut)));
  found.push(...splitter.end());
  return found.map(({ start, end, fromLine }) => [fromLine, bytes.toString('latin1', start, end)]);
};

const vectors: readonly (readonly [string, string, readonly (readonly [string, string])[]])[] = [
  ['nothing', '', []],
  ['one mail', `${A}\nSubject: a\n\nHi\n\n`, [[A, 'Subject: a\n\nHi\n']]],
  ['one without an empty line behind it', `${A}\nSubject: a\n\nHi\n`, [[A, 'Subject: a\n\nHi\n']]],
  ['one without any end', `${A}\nSubject: a\n\nHi`, [[A, 'Subject: a\n\nHi']]],
  [
    'two',
    `${A}\nSubject: a\n\nHi\n\n${B}\nSubject: b\n\nHo\n\n`,
    [
      [A, 'Subject: a\n\nHi\n'],
      [B, 'Subject: b\n\nHo\n'],
    ],
  ],
  [
    'with CRLF',
    `${A}\r\nSubject: a\r\n\r\nHi\r\n\r\n${B}\r\nSubject: b\r\n\r\nHo\r\n\r\n`,
    [
      [A, 'Subject: a\r\n\r\nHi\r\n'],
      [B, 'Subject: b\r\n\r\nHo\r\n'],
    ],
  ],
  ['a body of empty lines', `${A}\nSubject: a\n\n\n\n\n`, [[A, 'Subject: a\n\n\n\n']]],
  [
    'a mail without a body, and one without anything',
    `${A}\nSubject: a\n\n${B}\n${A}\nSubject: c\n\n`,
    [
      [A, 'Subject: a\n'],
      [B, ''],
      [A, 'Subject: c\n'],
    ],
  ],
  [
    'quoted lines stay',
    `${A}\nSubject: a\n\n>From me 10:00 2026\n>>From you\n\n`,
    [[A, 'Subject: a\n\n>From me 10:00 2026\n>>From you\n']],
  ],
  ['a line in the middle of a paragraph', `${A}\nSubject: a\n\nHi\n${B}\nthere\n`, [[A, `Subject: a\n\nHi\n${B}\nthere\n`]]],
  ['prose behind an empty line', `${A}\nSubject: a\n\nFrom here on all is well.\n`, [[A, 'Subject: a\n\nFrom here on all is well.\n']]],
  [
    'what Gmail writes',
    `From 1715@xxx Mon May 06 08:15:00 +0000 2024\nX-GM-THRID: 1\nSubject: a\n\nHi\n\n${B}\n\n`,
    [
      ['From 1715@xxx Mon May 06 08:15:00 +0000 2024', 'X-GM-THRID: 1\nSubject: a\n\nHi\n'],
      [B, ''],
    ],
  ],
  [
    'a separator at the very end',
    `${A}\nSubject: a\n\nHi\n\n${B}`,
    [
      [A, 'Subject: a\n\nHi\n'],
      [B, ''],
    ],
  ],
  ['junk before the first separator', `hello\n\n${A}\nSubject: a\n\nHi\n`, [[A, 'Subject: a\n\nHi\n']]],
  [
    'bytes that are no text',
    `${A}\nSubject: a\n\n\x00\xff\xfe\n\n${B}\nx: y\n`,
    [
      [A, 'Subject: a\n\n\x00\xff\xfe\n'],
      [B, 'x: y\n'],
    ],
  ],
];

describe('an mbox', () => {
  it.each(vectors)('%s, however it is cut', (_, mbox, mails) => {
    for (const cut of [1, 2, 3, 5, 7, 16, 61, 1_000_000]) expect(split(mbox, cut)).toEqual(mails);
  });

  it('is found in what looks like a separator and is none, at any length', () => {
    const long = `From ${'x'.repeat(5_000)} 10:00 2026`;
    const mbox = `${A}\nSubject: a\n\nHi\n\n${long}\n\n${B}\nSubject: b\n\n`;
    for (const cut of [100, 4_096]) expect(split(mbox, cut).map(([line]) => line)).toEqual([A, B]);
  });

  it('with a mail of many MiB is split in flat memory', () => {
    const splitter = new MboxSplitter();
    const found = [...splitter.push(Buffer.from(`${A}\nSubject: a\n\n`))];
    const chunk = Buffer.from(`${'x'.repeat(79)}\n`.repeat(800));
    // Each a copy, as a stream gives it: whatever of one were kept would be counted.
    const pushMany = (): void => {
      for (let n = 0; n < 2_000; n += 1) found.push(...splitter.push(Buffer.from(chunk)));
    };
    pushMany();
    const before = liveBytes();
    pushMany();
    expect(liveBytes() - before).toBeLessThan(8 * 1024 * 1024);
    found.push(...splitter.push(Buffer.from(`\n${B}\nSubject: b\n\n`)), ...splitter.end());
    expect(found.map(({ start, end }) => end - start)).toEqual([chunk.length * 4_000 + 12, 11]);
  });
});
