import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { contentHash } from '../mime/head.ts';
import { mboxEntry, type MboxNotes } from './mbox-writer.ts';
import { MboxSplitter } from './mbox-splitter.ts';
import { cameAtOf, wireMail } from './stored-mail.ts';

const at = Date.UTC(2026, 10, 5, 9, 3, 7);
const notes: MboxNotes = { seen: true, flagged: false, answered: false, forwarded: false, draft: false, labels: ['Inbox'] };
const MAIL = new URL('../../../tests/fixtures/mail/', import.meta.url);

const readBack = (mbox: Buffer) => {
  const splitter = new MboxSplitter();
  return [...splitter.push(mbox), ...splitter.end()].map(({ start, end, fromLine }) => ({
    at: cameAtOf(fromLine),
    ...wireMail(mbox.subarray(start, end), true),
  }));
};

it('writes a mail as others read it', () => {
  const raw = Buffer.from('Subject: a\r\nStatus: O\r\nX-Gmail-Labels: Old\r\n\r\nFrom the start\r\n>From there\r\n', 'latin1');
  expect(
    mboxEntry(
      raw,
      { from: 'ada@x.example', at },
      { ...notes, flagged: true, answered: true, forwarded: true, labels: ['Inbox', 'a, "b"'] },
    ).toString(),
  ).toBe(
    'From ada@x.example Thu Nov  5 09:03:07 2026\nSubject: a\nStatus: RO\nX-Status: AF\nX-Keywords: $Forwarded\nX-Gmail-Labels: Inbox,"a, \\"b\\""\n\n>From the start\n>>From there\n\n',
  );
});

it('reads back what it wrote: the same mails, byte for byte but for line ends, with all that was noted', () => {
  const files = readdirSync(MAIL).filter((name) => name.endsWith('.eml'));
  const labels = ['Inbox', 'Écoles/Été', 'a, b', '="?', `${'日本語'.repeat(30)}/x`];
  const raws = files.map((name) => readFileSync(new URL(name, MAIL)));
  const mbox = Buffer.concat(
    raws.map((raw, n) =>
      mboxEntry(raw, { from: 'no address', at: at + n * 1000 }, { ...notes, seen: n % 2 === 0, flagged: n % 3 === 0, labels }),
    ),
  );
  const back = readBack(mbox);
  expect(back.map((mail) => mail.at)).toEqual(raws.map((_, n) => at + n * 1000));
  expect(back.map(({ raw }) => contentHash(raw))).toEqual(raws.map((raw) => contentHash(raw)));
  expect(back.map(({ noted }) => [noted.seen, noted.flagged, noted.labels])).toEqual(
    raws.map((_, n) => [n % 2 === 0, n % 3 === 0, labels]),
  );
});
