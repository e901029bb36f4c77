import { describe, expect, it } from 'vitest';
import { cameAtOf, nothingNoted, sentAtOf, wireMail } from './stored-mail.ts';

const wire = (stored: string, quoted = true): string => wireMail(Buffer.from(stored, 'latin1'), quoted).raw.toString('latin1');
const noted = (...headers: string[]) => wireMail(Buffer.from([...headers, 'Subject: x', '', 'text', ''].join('\n'), 'latin1'), true).noted;

describe('a stored mail goes back on the wire', () => {
  it.each([
    ['with CRLF', 'Subject: a\n\nHi\n', 'Subject: a\r\n\r\nHi\r\n'],
    ['which it may have had', 'Subject: a\r\n\r\nHi\r\n', 'Subject: a\r\n\r\nHi\r\n'],
    ['in parts', 'Subject: a\r\n\nHi\r\nHo\n', 'Subject: a\r\n\r\nHi\r\nHo\r\n'],
    [
      'without its quoting',
      'Subject: a\n\n>From a\n>From b\n>>From c\n> From d\n',
      'Subject: a\r\n\r\nFrom a\r\nFrom b\r\n>From c\r\n> From d\r\n',
    ],
    [
      'without what was noted in it',
      'Status: RO\nSubject: a\nX-Status: A\nX-Keywords: x\n y\nContent-Length: 3\n\nHi\n',
      'Subject: a\r\n\r\nHi\r\n',
    ],
    ['byte for byte', 'Subject: a\r\n\r\n\xff\x00\xe9\r\n', 'Subject: a\r\n\r\n\xff\x00\xe9\r\n'],
  ])('%s', (_, stored, expected) => {
    expect(wire(stored)).toBe(expected);
  });

  it('as it is where nothing is quoted', () => {
    expect(wire('Subject: a\r\n\r\n>From a\r\n', false)).toBe('Subject: a\r\n\r\n>From a\r\n');
  });
});

describe('what a mail program noted', () => {
  it.each([
    [['Status: RO', 'X-Status: AF'], { seen: true, flagged: true, answered: true }],
    [['Status: O'], { seen: false, flagged: false }],
    [
      ['Status: RO', 'X-Status: DT', 'X-Keywords: $Forwarded NonJunk Travaux'],
      { seen: true, deleted: true, draft: true, forwarded: true, flagged: false, keywords: ['Travaux'] },
    ],
    [
      ['X-Mozilla-Status: 0013', 'X-Mozilla-Keys: $label1 important'],
      { seen: true, flagged: false, answered: true, keywords: ['important'] },
    ],
    [['X-Mozilla-Status: 1004'], { seen: false, flagged: true, forwarded: true }],
    [
      ['X-Gmail-Labels: Inbox,Unread,"Travaux, etc/\\"2\\"",Starred'],
      { seen: false, labels: ['Inbox', 'Unread', 'Travaux, etc/"2"', 'Starred'] },
    ],
    [
      ['X-Gmail-Labels: =?UTF-8?Q?Bo=C3=AEte_de_r?=', ' =?UTF-8?Q?=C3=A9ception,Lu?='],
      { seen: true, labels: ['Boîte de réception', 'Lu'] },
    ],
    [['X-Gmail-Labels: =?utf-8?B?w4ljb2xlcw==?=,Archived', 'X-GM-THRID: 17'], { seen: true, labels: ['Écoles', 'Archived'] }],
    [[], {}],
  ])('%j', (headers, expected) => {
    expect(noted(...headers)).toEqual({ ...nothingNoted, ...expected });
  });
});

it.each([
  ['From ada@example.org Fri Nov 20 10:00:00 2026', '2026-11-20T10:00:00.000Z'],
  ['From - Sat Nov  1 1:30:05 2026', '2026-11-01T01:30:05.000Z'],
  ['From 17@xxx Mon May 06 08:15:00 +0200 2024', '2024-05-06T06:15:00.000Z'],
  ['From ada Fri Nov 20 10:00 CET 2026', '2026-11-20T10:00:00.000Z'],
  ['From ada Fri Nov 20 10:00:00 2026 +0100', '2026-11-20T09:00:00.000Z'],
  ['From 1f00 Mon Sep 17 00:00:00 2001', null],
  ['From ada', null],
])('%s tells when it came', (line, at) => {
  expect(cameAtOf(line)).toBe(at === null ? null : Date.parse(at));
});

it('the header tells when it was sent', () => {
  expect(sentAtOf(Buffer.from('Subject: x\r\ndate: Fri, 20 Nov 2026\r\n 10:00:00 +0100\r\n\r\nDate: 1 Jan 2000 00:00:00 +0000'))).toBe(
    Date.parse('2026-11-20T09:00:00Z'),
  );
  expect(sentAtOf(Buffer.from('Subject: x\n\n'))).toBeNull();
  expect(sentAtOf(Buffer.from('Date: never\n\n'))).toBeNull();
});
