/** What we write is what others read: mailparser, postal-mime, our own reading, and Python's email package where there is one. */
import { timestamp } from '@tidings/contracts/time';
import * as fc from 'fast-check';
import { simpleParser, type AddressObject } from 'mailparser';
import { execFileSync } from 'node:child_process';
import { domainToASCII } from 'node:url';
import PostalMime from 'postal-mime';
import { describe, expect, it } from 'vitest';
import { readMail } from '../mime/read-mail.ts';
import { build } from './build.ts';
import type { MailToCompose } from './mail.ts';
import { unflowed } from './testing/unflowed.ts';

const mail = (parts: Partial<MailToCompose> = {}): MailToCompose => ({
  ...{ messageId: 'one@tidings.test', date: timestamp(1_790_000_000_000), from: { name: 'Ann', email: 'ann@tidings.test' } },
  ...{ to: [{ name: 'Bob', email: 'bob@elsewhere.test' }], cc: [], subject: 'Hello', text: 'Hello', html: '', files: [] },
  ...{ inReplyTo: null, references: [], unsubscribe: null, receiptTo: null, autoSubmitted: null },
  ...parts,
});
const rawOf = async (parts: Partial<MailToCompose> = {}): Promise<string> => Buffer.from((await build(mail(parts))).raw).toString('latin1');
const headOf = (raw: string): string => raw.slice(0, raw.indexOf('\r\n\r\n'));
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

describe('composing', () => {
  it('writes plain text as flowed, and nothing else', async () => {
    const raw = await rawOf({ text: `${'words and '.repeat(20)}end` });
    expect(raw).toMatch(/Content-Type: text\/plain; charset=utf-8; format=flowed\r\n/);
    expect(raw).not.toMatch(/multipart/);
    expect(Math.max(...raw.split('\r\n').map(({ length }) => length))).toBeLessThanOrEqual(78);
    expect(raw).not.toMatch(/[^\r]\n|\r[^\n]/);
  });

  it('makes the text of HTML that comes without one', async () => {
    const read = await simpleParser(await rawOf({ text: '', html: '<h1>Bonjour</h1><p>Voir <a href="https://x.test/">ceci</a></p>' }));
    expect(read.text).toBe('Bonjour\n\nVoir ceci [https://x.test/]');
    expect(read.html).toContain('<h1>Bonjour</h1>');
  });

  it('sends no script, whatever HTML it is given', async () => {
    const html = '<p onclick="x()">a</p><script>alert(1)</script><a href="javascript:x">b</a><img src="file:///etc/passwd">';
    const { html: sent } = await simpleParser(await rawOf({ html }));
    expect(sent).toBe('<p>a</p><a>b</a><img />');
  });

  it('puts each picture into the mail once, however often it is shown', async () => {
    const content = Buffer.from(PIXEL, 'base64');
    const html = `<img src="data:image/png;base64,${PIXEL}"><img src="cid:a@x"><img src="data:image/png;base64,${PIXEL}"><img src="cid:b%40x">`;
    const files = [
      { name: 'logo.png', type: 'image/png', cid: 'a@x', content },
      { name: 'same.png', type: 'image/png', cid: 'b@x', content },
      { name: 'unused.png', type: 'image/png', cid: 'c@x', content },
    ];
    const raw = await rawOf({ html, files });
    expect(raw.match(/Content-Id: <a@x>/gi)).toHaveLength(1);
    expect(raw.match(/Content-Id:/gi)).toHaveLength(1);
    const read = await PostalMime.parse(raw);
    expect(read.html?.match(/src="cid:a@x"/g)).toHaveLength(4);
    expect(read.attachments.map(({ filename, disposition }) => [filename, disposition])).toEqual([
      ['logo.png', 'inline'],
      ['unused.png', 'attachment'],
    ]);
  });

  it('names what it answers, and where one leaves', async () => {
    const head = headOf(
      await rawOf({
        ...{ inReplyTo: 'b@x', references: ['a@x', 'b@x'], unsubscribe: 'https://x.test/leave', autoSubmitted: 'auto-replied' },
      }),
    );
    expect(head).toContain('\r\nIn-Reply-To: <b@x>\r\nReferences: <a@x> <b@x>');
    expect(head).toContain('List-Unsubscribe: <https://x.test/leave>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click');
    expect(head).toContain('Auto-Submitted: auto-replied');
    expect(headOf(await rawOf({ unsubscribe: 'mailto:leave@x.test' }))).not.toContain('One-Click');
    expect(headOf(await rawOf())).not.toMatch(/List-|Auto-|Bcc|References|In-Reply-To/i);
  });

  it('writes long chains and crowds in short lines', async () => {
    const references = Array.from({ length: 100 }, (_, at) => `${'x'.repeat(60)}${at}@elsewhere.test`);
    const to = Array.from({ length: 500 }, (_, at) => ({ name: `Personne numéro ${at}`, email: `p${at}@elsewhere.test` }));
    const raw = await rawOf({ references, to, subject: 'ж'.repeat(300) });
    expect(
      Math.max(
        ...headOf(raw)
          .split('\r\n')
          .map(({ length }) => length),
      ),
    ).toBeLessThan(200);
    const { content } = await readMail(Buffer.from(raw, 'latin1'));
    expect(content.references).toEqual(references);
    expect(content.subject).toBe('ж'.repeat(300));
    expect((await PostalMime.parse(raw)).to).toHaveLength(500);
  });

  it('keeps names in other scripts, also of files, and addresses beyond ASCII', async () => {
    const from = { name: 'Пётр', email: 'Пётр@xn--80a1acny.xn--p1ai' };
    const { raw } = await build(
      mail({ from, files: [{ name: 'Отчёт за год – 年度.pdf', type: 'application/pdf', cid: null, content: bytes('x') }] }),
    );
    const read = await PostalMime.parse(raw);
    expect(read.from).toMatchObject({ name: 'Пётр', address: expect.stringMatching(/^Пётр@/) as unknown });
    expect(read.attachments[0]?.filename).toBe('Отчёт за год – 年度.pdf');
  });

  it.each([
    { subject: 'a\r\nBcc: x@y.test' },
    { from: { name: 'A\r\nBcc: x@y.test\r\n\r\nbody', email: 'ann@tidings.test' } },
    { to: [{ name: '"\r\nBcc: x@y.test', email: 'bob@elsewhere.test' }] },
    { messageId: 'a@b>\r\nBcc: <x@y.test' },
    { inReplyTo: 'a@b\r\nBcc: x@y.test' },
    { references: ['a@b\r\nBcc: x@y.test'] },
    { unsubscribe: 'https://x.test/\r\nBcc: x@y.test' },
    { files: [{ name: 'a"\r\nBcc: x@y.test', type: 'text/plain\r\nBcc: x@y.test', cid: null, content: bytes('x') }] },
  ])('lets nothing into the header: %j', async (parts) => {
    const raw = await rawOf(parts);
    expect(raw).not.toMatch(/^bcc:/im);
    expect(raw.match(/\r\n\r\n/g)?.length ?? 0).toBeLessThan(6);
  });
});

/** No controls, which codecs refuse where they come in. */
const words = fc
  .array(
    fc.constantFrom('a', 'Zoë', '語', '😀', '"', "'", ',', ';', '<', '>', '@', '(', ')', '\\', '=?utf-8?q?x?=', '.', ':', 'مرحبا', '=20'),
    {
      minLength: 1,
      maxLength: 8,
    },
  )
  .map((some) => some.join(' '));
const email = fc
  .tuple(fc.constantFrom('ann', 'b.c', "o'hara", 'a+b', 'x_y'), fc.constantFrom('elsewhere.test', 'xn--bcher-kva.example'))
  .map((parts) => parts.join('@'));
const anyone = fc.record({ name: fc.option(words, { nil: null }), email });
const line = fc
  .array(fc.oneof(words, fc.constantFrom('x'.repeat(90), '> quoted', 'From me', '.', '..', '=', '--')), { maxLength: 12 })
  .map((all) => all.join(' '));
const anyMail = fc.record({
  from: anyone,
  to: fc.array(anyone, { minLength: 1, maxLength: 4 }),
  cc: fc.array(anyone, { maxLength: 2 }),
  subject: words,
  text: fc.array(line, { minLength: 1, maxLength: 5 }).map((lines) => ['text', ...lines.map((one) => one.trimEnd())].join('\n')),
  html: fc.oneof(
    fc.constant(''),
    words.map((some) => `<p>${some.replaceAll(/[<>&"]/g, '')} é</p>`),
  ),
  files: fc.array(
    fc.record({
      name: words.map((some) => some.replaceAll(/[<>]/g, '-')),
      type: fc.constantFrom('application/pdf', 'text/plain'),
      cid: fc.constant(null),
      content: fc.uint8Array({ maxLength: 40 }),
    }),
    { maxLength: 2 },
  ),
});

/** Some readers show a domain's letters, some its ACE form. */
const person = (name: string, address: string): readonly [string, string] => [
  name,
  address.replace(/@(.*)$/, (_, domain: string) => `@${domainToASCII(domain)}`),
];

/** What a reader makes of it, in one shape for all readers. */
interface Reading {
  readonly from: readonly (readonly [string, string])[];
  readonly to: readonly (readonly [string, string])[];
  readonly cc: readonly (readonly [string, string])[];
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly files: readonly (readonly [string, string])[];
}

const given = (written: MailToCompose): Reading => {
  const literally = (text: string): string => text.replaceAll('=?', '= ?');
  const pair = ({ name, email: address }: { readonly name: string | null; readonly email: string }) =>
    person(literally(name ?? ''), address);
  return {
    from: [pair(written.from)],
    to: written.to.map(pair),
    cc: written.cc.map(pair),
    subject: literally(written.subject),
    text: written.text.trim(),
    html: written.html,
    files: written.files.map(({ name, content }) => [literally(name), Buffer.from(content).toString('base64')] as const),
  };
};
/** Python before 3.13 puts spaces between the encoded words of a name. */
const unspaced = (reading: Reading): Reading => {
  const names = (people: Reading['from']) => people.map(([name, address]) => person(name.replaceAll(/\s/g, ''), address));
  return { ...reading, from: names(reading.from), to: names(reading.to), cc: names(reading.cc) };
};
const plain = (text: string | undefined): string => unflowed((text ?? '').replace(/\r?\n$/, '')).trim();

const byMailparser = async (raw: Uint8Array): Promise<Reading> => {
  const read = await simpleParser(Buffer.from(raw));
  const people = (field: AddressObject | AddressObject[] | undefined) =>
    [field ?? []].flat().flatMap(({ value }) => value.map(({ name, address = '' }) => person(name, address)));
  return {
    ...{ from: people(read.from), to: people(read.to), cc: people(read.cc), subject: read.subject ?? '' },
    ...{ text: plain(read.text), html: read.html === false ? '' : read.html },
    files: read.attachments.map(({ filename = '', content }) => [filename, content.toString('base64')] as const),
  };
};
const byPostalMime = async (raw: Uint8Array): Promise<Reading> => {
  const read = await PostalMime.parse(raw, { attachmentEncoding: 'base64' });
  const people = (field: typeof read.to) => (field ?? []).map(({ name, address = '' }) => person(name, address));
  return {
    ...{ from: read.from === undefined ? [] : people([read.from]), to: people(read.to), cc: people(read.cc), subject: read.subject ?? '' },
    ...{ text: plain(read.text), html: read.html?.trim() ?? '' },
    files: read.attachments.map(({ filename, content }) => [filename ?? '', typeof content === 'string' ? content : ''] as const),
  };
};
const byOurselves = async (raw: Uint8Array): Promise<Pick<Reading, 'from' | 'to' | 'cc' | 'subject' | 'text'>> => {
  const { content, details, bodies } = await readMail(raw);
  const people = (field: typeof content.from) => field.map(({ name, email: address }) => person(name ?? '', address));
  const { partId = '' } = details.textBody[0] ?? {};
  return {
    ...{ from: people(content.from), to: people(content.to), cc: people(content.cc), subject: content.subject },
    text: plain(bodies[partId]?.value),
  };
};

describe('what others read', () => {
  const cases = fc.sample(anyMail, { numRuns: 60, seed: 5 }).map((parts) => mail({ ...parts, subject: parts.subject.trim() }));

  it.each([
    ['mailparser', byMailparser],
    ['postal-mime', byPostalMime],
    ['our own reading', byOurselves],
  ])('%s', async (_, read) => {
    for (const written of cases) {
      const { raw } = await build(written);
      expect(given(written), Buffer.from(raw).toString()).toMatchObject(await read(raw));
    }
  });

  const python = ((): string | null => {
    try {
      return execFileSync('python3', ['-c', 'print(1)'], { stdio: ['ignore', 'pipe', 'ignore'] })
        .toString()
        .trim() === '1'
        ? 'python3'
        : null;
    } catch {
      return null;
    }
  })();
  it.runIf(python !== null)("Python's email package", async () => {
    const raws = await Promise.all(cases.map(async (written) => Buffer.from((await build(written)).raw).toString('base64')));
    const program = `
import sys, json, base64, email, email.policy
from email.headerregistry import Address
out = []
for line in sys.stdin:
    m = email.message_from_bytes(base64.b64decode(line), policy=email.policy.default)
    assert not m.defects, m.defects
    people = lambda name: [[a.display_name, a.addr_spec] for a in (m[name].addresses if m[name] else [])]
    body = m.get_body(('plain',))
    files = [[a.get_filename(), base64.b64encode(a.get_payload(decode=True)).decode()] for a in m.iter_attachments()]
    out.append({'from': people('from'), 'to': people('to'), 'cc': people('cc'), 'subject': str(m['subject']), 'text': body.get_content(), 'files': files})
json.dump(out, sys.stdout)
`;
    const answer = execFileSync(python ?? '', ['-c', program], { input: raws.join('\n'), maxBuffer: 64 * 1024 * 1024 }).toString();
    const read = (JSON.parse(answer) as readonly (Reading & { readonly text: string })[]).map((one) =>
      unspaced({ ...one, html: '', text: plain(one.text) }),
    );
    expect(cases.map((written) => unspaced({ ...given(written), html: '' }))).toEqual(read);
  });
});
