import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EmailContent, EmailDetails } from '@tidings/contracts/events/email';
import { afterAll, describe, expect, it } from 'vitest';
import { readPlainly } from './fallback.ts';
import { memoryBlobs } from '../blobs/memory.ts';
import { openMime, storeBodies } from './mime.ts';
import { readMail, type ParsedMail } from './read-mail.ts';

const fixtures = new URL('../../../tests/fixtures/mail/', import.meta.url);
const fixture = (name: string): Buffer => {
  const file = readdirSync(fixtures).find((each) => each.startsWith(name));
  return readFileSync(new URL(file ?? name, fixtures));
};
const read = (name: string): Promise<ParsedMail> => readMail(fixture(name));
const mail = (...lines: string[]): Buffer => Buffer.from(lines.join('\r\n'));

const expectFits = ({ content, details }: ParsedMail): void => {
  expect(EmailContent.is({ ...content, preview: '' })).toBe(true);
  expect(EmailDetails.is(details)).toBe(true);
};

const mime = openMime({ threads: 2 });
afterAll(() => mime.close());

describe('what a mail says', () => {
  it('reads headers, text and HTML', async () => {
    const { content, details, bodies, opening, fault } = await read('02-');
    expect(content).toMatchObject({
      messageId: 'two-ways-to-read@analytical.example',
      from: [{ name: 'Ada Lovelace', email: 'ada@analytical.example' }],
      to: [{ name: 'Contact', email: 'contact@tidings.test' }],
      subject: 'Two ways to read',
      sentAt: '2026-11-02T08:15:00.000Z',
      hasAttachments: false,
    });
    expect(details).toMatchObject({
      textBody: [{ partId: '1', type: 'text/plain' }],
      htmlBody: [{ partId: '2', type: 'text/html' }],
      attachments: [],
    });
    expect(bodies).toEqual({
      '1': { value: 'Plain words.', isTruncated: false },
      '2': { value: '<p>Words <b>with weight</b>.</p>', isTruncated: false },
    });
    expect(opening).toBe('Plain words.');
    expect(fault).toBeNull();
  });

  it('numbers the parts of RFC 8621 §4.1.4', async () => {
    const { details } = await read('05-');
    const ids = (parts: readonly { readonly partId: string }[]): readonly string[] => parts.map(({ partId }) => partId);
    expect(ids(details.textBody)).toEqual(['1', '2.1.1.1', '2.1.1.2', '2.1.1.3', '3']);
    expect(ids(details.htmlBody)).toEqual(['1', '2.1.2.1', '3']);
    expect(ids(details.attachments)).toEqual(['2.1.1.2', '2.1.2.2', '2.2', '2.3', '2.4']);
  });

  it.each([
    ['06-', 'If you can read this you understand the example.', 'The examples of RFC 2047.'],
    ['07-', 'Déjà vu', 'Ça marche, naïveté comprise.'],
    ['08-', 'RFC 6532 ☃ مرحبا', '雪人 ☃'],
    ['09-', 'こんにちは', 'お元気ですか。'],
    ['10-', 'Shift JIS', '日本語のメール'],
    ['11-', 'KOI8', 'Привет soft break'],
    ['12-', 'GB18030', '你好，世界'],
    ['13-', 'Unknown charset', 'Smart “quotes” and café.'],
    ['14-', 'Who wrote this?', 'Nobody said.'],
    ['15-', '', 'Only a body, no header at all.'],
    ['16-', 'Nothing to say', ''],
    ['18-', 'Cut short', 'The text is whole.'],
    ['19-', 'NUL and controls', 'Beforeafter, bell\u0007, escape\u001b[31m.'],
    ['24-', 'Flowed', 'This line goes on here.\nThis one stands alone.'],
  ])('reads %s', async (name, subject, text) => {
    const { content, opening } = await read(name);
    expect(content.subject).toBe(subject);
    expect(opening.trim()).toBe(text);
  });

  it('reads addresses of all kinds', async () => {
    const { content, details } = await read('26-');
    expect(content).toMatchObject({
      from: [{ name: 'Lovelace, Ada', email: 'ada@analytical.example' }],
      to: [{ email: 'charles@difference.example' }, { name: 'M. Faraday', email: 'm@faraday.example' }, { email: 'contact@tidings.test' }],
      cc: [],
    });
    expect(details.sender).toEqual([{ name: null, email: 'secretary@analytical.example' }]);
    expect((await read('06-')).content.from).toEqual([{ name: 'André Pirard', email: 'pirard@vm1.example' }]);
    expect((await read('08-')).content.from).toEqual([{ name: '毛笔', email: '毛笔@例子.example' }]);
  });

  it('shows what a broken structure hides', async () => {
    expect((await read('17-')).opening).toContain('Still readable.');
    const unfolded = mail(
      'Content-Type: multipart/mixed; boundary=a',
      '',
      '--a',
      'Content-Type: multipart/alternative;',
      'boundary=b',
      '',
      '--b',
      '',
      'inside',
      '--b--',
      '--a--',
    );
    expect((await readMail(unfolded)).opening).toContain('inside');
    expect(Buffer.from((await mime.part(unfolded, '1')) ?? []).toString()).toContain('inside');
  });

  it('keeps an attached mail whole', async () => {
    const { content, details, opening } = await read('22-');
    expect(content.hasAttachments).toBe(true);
    expect(details.attachments).toMatchObject([{ partId: '2', type: 'message/rfc822' }]);
    expect(opening).toBe('See below.');
    expect(Buffer.from((await mime.part(fixture('22-'), '2')) ?? []).toString()).toMatch(/^From: inner@analytical\.example\r\n/);
  });

  it('links pictures of the mail and nothing else', async () => {
    expect((await read('03-')).bodies['1']?.value).toBe('<p>Look: <img alt="a dot" src="tidings-part:2" /></p>');
    const hostile = JSON.stringify((await read('20-')).bodies);
    expect(hostile).toContain('Readable text');
    for (const word of ['alert', 'javascript', 'onload', 'fixed', 'iframe', 'form', '<svg', 'url(', 'tidings-part', 'evil'])
      expect(hostile).not.toContain(word);
  });

  it.each([
    ['Fri, 21 Nov 1997 09:55:06 -0600', '1997-11-21T15:55:06.000Z'],
    ['21 Nov 97 09:55:06 GMT', '1997-11-21T09:55:06.000Z'],
    ['Thu, 13 Feb 1969 23:32 -0330 (Newfoundland Time)', '1969-02-14T03:02:00.000Z'],
    ['Mon, 02 Nov 2026 09:15:00 +0100 (CET)', '2026-11-02T08:15:00.000Z'],
    ['yesterday 1', null],
    ['', null],
    ['Mon, 99 Nov 2026 09:15:00', null],
  ])('reads the date %j', async (date, expected) => {
    expect((await readMail(mail(`Date: ${date}`, '', 'x'))).content.sentAt).toBe(expected);
  });

  it('reads message ids, odd ones too', async () => {
    const { content } = await readMail(
      mail('Message-ID: bare@example', 'In-Reply-To: "Your mail" <a@x> of Monday', 'References: <r1@x>', '\t<r2@x>,<r3@x> junk', '', ''),
    );
    expect(content).toMatchObject({ messageId: 'bare@example', inReplyTo: ['a@x'], references: ['r1@x', 'r2@x', 'r3@x'] });
  });
});

describe('parts', () => {
  it('gives their decoded bytes', async () => {
    expect(Buffer.from((await mime.part(fixture('04-'), '2')) ?? []).toString()).toBe('%PDF-1.4 not really a document');
    expect(Buffer.from((await mime.part(fixture('01-'), '1')) ?? []).toString()).toMatch(/^\r?\n?Dear Charles/);
    expect(Buffer.from((await mime.part(fixture('17-'), '1')) ?? []).toString()).toContain('Still readable.');
  });
  it('knows every id that reading gave, with the size it gave', async () => {
    for (const file of readdirSync(fixtures).filter((name) => name.endsWith('.eml'))) {
      const raw = readFileSync(new URL(file, fixtures));
      const { details } = await mime.parse(raw);
      for (const part of [...details.textBody, ...details.htmlBody, ...details.attachments]) {
        expect([file, part.partId, (await mime.part(raw, part.partId))?.byteLength]).toEqual([file, part.partId, part.size]);
      }
    }
  });
  it('says when there is none', async () => {
    for (const id of ['2', '1.1', '', '9.9.9', 'x']) expect(await mime.part(fixture('01-'), id)).toBeNull();
  });
});

describe('hostile mail', () => {
  const readable = async (raw: Buffer, within: number): Promise<ParsedMail> => {
    // Processor time of all threads: what else the machine does is not held against it.
    const before = process.cpuUsage();
    const parsed = await mime.parse(raw);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1_000).toBeLessThan(within);
    expectFits(parsed);
    expect(Buffer.byteLength(JSON.stringify(parsed.content))).toBeLessThan(110_000);
    expect(Buffer.byteLength(JSON.stringify(parsed.details))).toBeLessThan(70_000);
    return parsed;
  };

  it('has a To: of a megabyte', async () => {
    const parsed = await readable(mail('Subject: crowd', `To: ${'somebody@example.org, '.repeat(45_000)}`, '', 'hello'), 5_000);
    expect(parsed).toMatchObject({ opening: 'hello', content: { subject: 'crowd' } });
    expect(parsed.content.to.length).toBeGreaterThan(100);
  });
  it('has names and subjects that never end', async () => {
    await readable(
      mail(`Subject: ${'😀'.repeat(30_000)}`, `From: ${'"x" '.repeat(9_000)}<a@x>`, `References: ${'<r@x> '.repeat(9_000)}`, '', 'x'),
      5_000,
    );
    const parsed = await readable(
      mail(`Subject: ${'=?utf-8?q?=41?= '.repeat(3_000)}`, `From: ${'('.repeat(50_000)}`, `Cc: ${'a:'.repeat(20_000)}`, '', 'x'),
      9_000,
    );
    expect(parsed.opening).toBe('x');
  });
  it('has ten thousand parts, or is nested a thousand deep', async () => {
    const parts = Array.from({ length: 10_000 }, (_, i) => `--b\r\nContent-Type: text/plain\r\n\r\npart ${i}`);
    const many = await readable(mail('Content-Type: multipart/mixed; boundary=b', '', ...parts, '--b--'), 9_000);
    expect(many.opening).toContain('part 0');
    const deep = Array.from({ length: 900 }, (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\r\n\r\n--b${i}`).join('\r\n');
    await readable(mail(deep, 'Content-Type: text/plain', '', 'the bottom'), 9_000);
  });
  it('has a body of 30 MiB in one line, in many, or in HTML', async () => {
    const line = await readable(mail('Subject: one line', '', 'x'.repeat(30 << 20)), 9_000);
    expect(line.bodies['1']).toMatchObject({ isTruncated: true });
    await readable(mail('Subject: lines', '', 'short\r\n'.repeat(4 << 20)), 15_000);
    await readable(mail('Subject: html', 'Content-Type: text/html', '', '<table><tr><td style="color:red">'.repeat(900_000)), 15_000);
  }, 60_000);
  it('gets a plain view when its reader is too slow, and the next mail is read well', async () => {
    const hasty = openMime({ threads: 1, timeoutMs: 1 });
    const parsed = await hasty.parse(fixture('02-'));
    await hasty.close();
    expect(parsed.fault).toContain('longer than 1 ms');
    expect(parsed.content).toMatchObject({
      subject: 'Two ways to read',
      from: [{ name: 'Ada Lovelace', email: 'ada@analytical.example' }],
    });
    expect((await mime.parse(fixture('02-'))).fault).toBeNull();
  });
  it('gets a plain view when its reader runs out of memory', async () => {
    const small = openMime({ threads: 1, maxHeapMb: 24 });
    const parsed = await small.parse(mail('Subject: heavy', 'Content-Type: text/html', '', '<b><i>x</i></b> '.repeat(2_000_000)));
    await small.close();
    expect(parsed.content.subject).toBe('heavy');
  }, 60_000);
});

describe('many at once', () => {
  const names = ['01-', '02-', '05-', '06-', '07-', '08-'];

  it('are read as each by itself, bodies and details as they are stored', async () => {
    const all = await mime.parseMany(names.map(fixture));
    for (const [nth, name] of names.entries()) {
      const { content, details, bodies, opening, contentHash, fault } = await read(name);
      const { stored, ...rest } = all[nth] ?? { stored: new Uint8Array() };
      expect(rest).toEqual({ content, opening, contentHash, fault });
      const blobs = memoryBlobs();
      const id = await storeBodies(blobs, { details, bodies });
      expect(Buffer.from(stored)).toEqual(await blobs.read(id));
    }
    expect(await mime.parseMany([])).toEqual([]);
  });
  it('suffer nothing from one among them that its reader cannot take', async () => {
    const small = openMime({ threads: 1, maxHeapMb: 24 });
    const heavy = mail('Subject: heavy', 'Content-Type: text/html', '', '<b><i>x</i></b> '.repeat(2_000_000));
    const [before, killer, after] = await small.parseMany([fixture('02-'), heavy, fixture('02-')]);
    await small.close();
    expect(killer?.content.subject).toBe('heavy');
    for (const other of [before, after]) expect(other).toMatchObject({ fault: null, opening: 'Plain words.' });
  }, 60_000);
});

describe('the plain view', () => {
  it('can be given of every fixture', () => {
    for (const file of readdirSync(fixtures).filter((name) => name.endsWith('.eml'))) {
      const parsed = readPlainly(readFileSync(new URL(file, fixtures)), 'test');
      expectFits(parsed);
    }
    expect(readPlainly(Buffer.alloc(0), 'test').opening).toBe('');
  });
});

const corpora = process.env['MAIL_CORPUS_DIR'] ?? new URL('../../../../shared/corpora', import.meta.url).pathname;
const corpus = ((): readonly string[] => {
  try {
    return readdirSync(corpora, { recursive: true, withFileTypes: true })
      .filter((file) => file.isFile() && /\.(eml|txt)$/.test(file.name))
      .map((file) => join(file.parentPath, file.name));
  } catch {
    return [];
  }
})();

describe('real mail', () => {
  it('reads each', async ({ annotate }) => {
    await annotate(
      corpus.length > 0 ? `read ${corpus.length} real mails of ${corpora}` : `no real mail in ${corpora}: only the project's own was read`,
    );
    const parsed = await Promise.all(
      corpus.map(async (file) => {
        const raw = Buffer.from(readFileSync(file, 'latin1').replace(/\r\n|\r|\n/g, '\r\n'), 'latin1');
        return { file, raw, mail: await mime.parse(raw) };
      }),
    );
    for (const { file, raw, mail: one } of parsed) {
      expect([file, one.fault]).toEqual([file, null]);
      expectFits(one);
      const head = raw.toString('latin1').split('\r\n\r\n', 1)[0] ?? '';
      if (/^subject:[ \t]*[^\s]/im.test(head)) expect([file, one.content.subject]).not.toEqual([file, '']);
      if (/^from:.*\S+@\S+/im.test(head)) expect([file, one.content.from.length]).not.toEqual([file, 0]);
    }
  }, 120_000);
});
