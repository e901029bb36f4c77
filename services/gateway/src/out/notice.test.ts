import { timestamp } from '@tidings/contracts/time';
import { openComposer } from '@tidings/infra/compose/compose';
import type { MailToCompose } from '@tidings/infra/compose/mail';
import { simpleParser } from 'mailparser';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { digestMail } from './digest.ts';
import { type Notice, noticeMail, type Worded } from './notice.ts';
import { type Said, sizeOf } from './wording.ts';

let composer: ReturnType<typeof openComposer>;
beforeAll(() => {
  composer = openComposer({ threads: 1 });
});
afterAll(() => composer.close());

const at = timestamp(Date.UTC(2026, 2, 1, 7, 30));
const said = (author: string, text: string, file: Said['file'] = null): Said => ({ author, at, text, file });
const notice = (of: Partial<Notice>): Notice => ({
  service: 'Town',
  fromAddress: 'noreply@town.test',
  conversation: { isGroup: true, name: 'Market day' },
  message: said('Ada', 'Shall we?'),
  previous: null,
  timeZone: 'Europe/Paris',
  isFollowUp: false,
  unsubscribeUrl: 'https://town.test/gateway/unsubscribe/abc',
  ...of,
});

/** As whoever gets it reads it. */
const read = async (worded: Worded, more: Partial<MailToCompose> = {}) => {
  const { raw } = await composer.compose({
    ...{ messageId: 'm@town.test', date: at, to: [{ name: 'Bob', email: 'bob@example.org' }], cc: [], inReplyTo: null, references: [] },
    ...{ unsubscribe: 'https://town.test/gateway/unsubscribe/abc', autoSubmitted: null, receiptTo: null, ...worded, ...more },
  });
  return simpleParser(Buffer.from(raw));
};

it('says who wrote, what, and how to have no more', async () => {
  const mail = await read(noticeMail(notice({})), { replyTo: { name: null, email: 'reply+token@inbox.town.test' } });
  expect(mail.from?.value).toEqual([{ name: 'Ada', address: 'noreply@town.test' }]);
  expect(mail.replyTo?.value[0]?.address).toBe('reply+token@inbox.town.test');
  expect(mail.subject).toBe('Market day');
  expect(mail.text?.startsWith('Shall we?\n')).toBe(true);
  expect(mail.text).toContain('“Market day” at Town');
  expect(mail.text).toContain('https://town.test/gateway/unsubscribe/abc');
  expect(mail.html).toContain('<div>Shall we?</div>');
  expect(mail.headers.get('list')).toMatchObject({ unsubscribe: { url: 'https://town.test/gateway/unsubscribe/abc' } });
  expect(mail.headerLines.find(({ key }) => key === 'list-unsubscribe-post')?.line).toBe(
    'List-Unsubscribe-Post: List-Unsubscribe=One-Click',
  );
});

it('quotes what was said before, in the time of its reader', async () => {
  const mail = await read(noticeMail(notice({ previous: said('Zoë', 'Market?\n\nOn Monday'), isFollowUp: true })));
  expect(mail.subject).toBe('Re: Market day');
  expect(mail.text).toContain('On Sun, 1 Mar 2026, 08:30 (Europe/Paris), Zoë wrote:\n> Market?\n>\n> On Monday');
  expect(mail.html).toContain('<blockquote>');
});

it('takes words as words: no HTML, no header can be made of them', async () => {
  const nasty = '<script>alert(1)</script> "x" & y';
  const mail = await read(
    noticeMail(
      notice({
        message: said('Mallory\r\nBcc: eve@evil.test', nasty),
        previous: said('<b>Eve</b>', nasty),
        conversation: { isGroup: true, name: 'A\r\nX-Evil: 1' },
      }),
    ),
  );
  expect(mail.headers.has('x-evil')).toBe(false);
  expect(mail.bcc).toBe(undefined);
  expect(mail.from?.value[0]).toMatchObject({ name: 'Mallory Bcc: eve@evil.test', address: 'noreply@town.test' });
  expect(mail.subject).toBe('A X-Evil: 1');
  expect(mail.text).toContain(nasty);
  expect(mail.html).not.toContain('<script>');
  expect(mail.html).not.toContain('<b>Eve');
});

it('brings small files along, shows pictures, and links to the rest', async () => {
  const content = Buffer.from('89504e470d0a1a0a', 'hex');
  const picture = { name: 'map.png', size: 8, link: null, attached: { name: 'map.png', type: 'image/png', cid: 'map@town', content } };
  const shown = await read(noticeMail(notice({ message: said('Ada', '', picture) })));
  expect(shown.attachments.map(({ filename, contentType, related }) => [filename, contentType, related])).toEqual([
    ['map.png', 'image/png', true],
  ]);
  expect(shown.text).toContain('[map.png (8 bytes)]');
  const plan = { name: 'plan.pdf', size: 2, link: null, attached: { name: 'plan.pdf', type: 'application/pdf', cid: null, content } };
  const attached = await read(noticeMail(notice({ message: said('Ada', 'See', plan) })));
  expect(attached.attachments.map(({ filename }) => filename)).toEqual(['plan.pdf']);
  const film = { name: 'film.mp4', size: 12_300_000, link: 'https://town.test/gateway/files/xyz', attached: null };
  const linked = await read(noticeMail(notice({ message: said('Ada', '', film), previous: said('Zoë', '', picture) })));
  expect(linked.attachments).toEqual([]);
  expect(linked.text).toContain('[film.mp4 (12.3 MB)] https://town.test/gateway/files/xyz');
  expect(linked.html).toContain('<a href="https://town.test/gateway/files/xyz"');
});

it('names conversations between two by the other, and those without a name by the service', async () => {
  expect(noticeMail(notice({ conversation: { isGroup: false, name: 'Ada' } })).subject).toBe('Messages with Ada');
  expect(noticeMail(notice({ conversation: { isGroup: true, name: null } })).subject).toBe('Conversation at Town');
  expect([0, 999, 1_000, 5_242_880].map(sizeOf)).toEqual(['0 bytes', '999 bytes', '1.0 KB', '5.2 MB']);
});

it('puts all of a time in one digest, room by room', async () => {
  const room = (name: string, more: number) => ({
    ...{ conversation: { isGroup: true, name }, messages: [said('Ada', `Hello ${name}`), said('Zoë', '<b>Hi</b>')], more },
    ...{ replyAddress: `reply+${name}@inbox.town.test`, unsubscribeUrl: `https://town.test/u/${name}` },
  });
  const digest = { service: 'Town', fromAddress: 'noreply@town.test', timeZone: 'Europe/Paris' };
  const mail = await read(digestMail({ ...digest, rooms: [room('one', 0), room('two', 3)] }));
  expect(mail.from?.value).toEqual([{ name: 'Town', address: 'noreply@town.test' }]);
  expect(mail.subject).toBe('7 new messages in 2 conversations');
  expect(mail.text).toContain('Ada, Sunday, 1 Mar 2026, 08:30:\nHello one');
  expect(mail.text).toContain('And 3 more.');
  expect(mail.text).toContain('Answer: reply+two@inbox.town.test');
  expect(mail.html).toContain('mailto:reply+one@inbox.town.test');
  expect(mail.html).not.toContain('<b>Hi</b>');
  expect(digestMail({ ...digest, rooms: [room('one', 0)] }).subject).toBe('2 new messages in one');
});
