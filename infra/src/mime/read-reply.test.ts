import { readFileSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readReply } from './read-reply.ts';

const mail = (body: string, head: readonly string[] = []) =>
  Buffer.from(['From: Grace <grace@example.org>', 'Subject: Re: Fair', ...head, '', body].join('\r\n'));

describe('a reply', () => {
  it('is what was written now, without quote and signature; the whole stays beside it', async () => {
    const body = 'Yes, gladly.\r\n\r\nOn Mon, 1 Jan 2026 at 10:00, Ada <ada@x.test> wrote:\r\n> Will you come?\r\n\r\n-- \r\nGrace Hopper';
    const read = await readReply(mail(body));
    expect(read.reply).toBe('Yes, gladly.');
    expect(read.bodies['1']?.value).toContain('Will you come?');
  });

  it('is all of the text where only a quote would be left, and nothing where there is none', async () => {
    expect((await readReply(mail('> Will you come?'))).reply).toBe('> Will you come?');
    expect((await readReply(mail(''))).reply).toBe('');
  });

  it('is read from HTML where there is no text', async () => {
    const head = ['MIME-Version: 1.0', 'Content-Type: text/html; charset=utf-8'];
    const read = await readReply(mail('<p>Yes, <b>gladly</b> &amp; soon.</p><p>Grace</p>', head));
    expect(read.reply).toMatch(/^Yes, gladly & soon\.\s+Grace$/);
  });

  it('says what its header tells of automata and ways, in order, unfolded', async () => {
    const read = await readReply(mail('x', ['Auto-Submitted: auto-replied;\r\n owner=x', 'X-Other: y', 'Delivered-To: reply+a@in.test']));
    expect(read.fields.map(({ name, value }) => `${name}: ${value}`)).toEqual([
      'from: Grace <grace@example.org>',
      'auto-submitted: auto-replied; owner=x',
      'delivered-to: reply+a@in.test',
    ]);
  });

  it('is the same mail by whatever door, and another one when it says something else', async () => {
    const plain = await readReply(mail('Yes,  gladly.\r\n', ['Received: from a by b']));
    const other = await readReply(mail('Yes, gladly.', ['MIME-Version: 1.0', 'Content-Transfer-Encoding: 7bit']));
    expect(other.sameness).toBe(plain.sameness);
    expect((await readReply(mail('No.'))).sameness).not.toBe(plain.sameness);
  });
});

const folder = join(process.env['MAIL_CORPUS_DIR'] ?? '../shared/corpora', 'email-reply-parser/fixtures');
const hasCorpus = existsSync(folder);
describe.runIf(hasCorpus)(`replies of the corpus${hasCorpus ? '' : ` (there is no folder ${folder})`}`, () => {
  it('are never lost, and hardly ever longer than the mail', async () => {
    const texts = readdirSync(folder).filter((name) => name.endsWith('.txt'));
    expect(texts.length).toBeGreaterThan(50);
    for (const name of texts) {
      const text = readFileSync(join(folder, name), 'utf8');
      const read = await readReply(
        mail(text, ['MIME-Version: 1.0', 'Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: 8bit']),
      );
      expect(read.reply.trim(), name).not.toBe('');
      expect(read.reply.length, name).toBeLessThanOrEqual(text.length);
    }
  });
});
