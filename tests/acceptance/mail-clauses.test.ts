/** The mail contract clause by clause, where no other suite looks at it from outside: what SMTP answers (§4), which thread a mail is in (§5), live events (§3). */
import type { Import } from '@tidings/contracts/http/imports';
import type { Email, MailPage, Thread } from '@tidings/contracts/http/mail-objects';
import type { FoundThread } from '@tidings/contracts/http/mail-search';
import { createTransport } from 'nodemailer';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dial, type Dialogue } from '../../services/smtp-ingress/src/testing/smtp-dialogue.ts';
import { type MailTown, openMailTown } from './mail-kit.ts';

const LARGEST = 100_000;
const ACCEPTED = /^250 2\.0\.0 Ok: queued as ([0-9a-f-]{36})$/;
const SOON = { timeout: 60_000, interval: 30 };

let town: MailTown<'ann' | 'vic'>;
let desk: string;
beforeAll(async () => {
  town = await openMailTown(['ann', 'vic'], { MAX_MESSAGE_BYTES: String(LARGEST), SMTP_MAX_RECIPIENTS: '2' });
  desk = await town.openShared('desk', { ann: 'admin', vic: 'viewer' });
});
afterAll(() => town.close());

const greeted = async (): Promise<Dialogue> => {
  const dialogue = await dial(town.program.smtpPort);
  await dialogue.reply();
  await dialogue.say('EHLO sender.example');
  return dialogue;
};
const toDesk = async (): Promise<Dialogue> => {
  const dialogue = await greeted();
  await dialogue.say('MAIL FROM:<zoe@elsewhere.test>');
  await dialogue.say('RCPT TO:<desk@tidings.test>');
  expect(await dialogue.say('DATA')).toMatch(/^354 /);
  return dialogue;
};
/** What is answered to the bytes behind DATA, which end themselves. */
const answerTo = async (bytes: string): Promise<string> => {
  const dialogue = await toDesk();
  dialogue.send(bytes);
  const reply = await dialogue.reply();
  dialogue.close();
  return reply;
};

describe('the SMTP door', () => {
  it('offers what the contract lists, and no AUTH', async () => {
    const dialogue = await dial(town.program.smtpPort);
    expect(await dialogue.reply()).toMatch(/^220 /);
    const offered = (await dialogue.say('EHLO sender.example')).split('\n').map((line) => line.slice(4));
    expect(offered).toEqual(
      expect.arrayContaining(['PIPELINING', `SIZE ${LARGEST}`, '8BITMIME', 'SMTPUTF8', 'STARTTLS', 'ENHANCEDSTATUSCODES']),
    );
    expect(offered.filter((line) => line.startsWith('AUTH'))).toEqual([]);
    expect(await dialogue.say('AUTH PLAIN AGEAYg==')).toMatch(/^50\d /);
    dialogue.close();
  });

  it('checks recipients as they are named: unknown, not ours, one too many', async () => {
    const dialogue = await greeted();
    await dialogue.say('MAIL FROM:<zoe@elsewhere.test>');
    expect(await dialogue.say('RCPT TO:<nobody@tidings.test>')).toMatch(/^550 5\.1\.1 /);
    expect(await dialogue.say('RCPT TO:<someone@elsewhere.test>')).toMatch(/^550 5\.7\.1 /);
    for (const address of ['desk', 'ann']) expect(await dialogue.say(`RCPT TO:<${address}@tidings.test>`)).toMatch(/^250 2\.1\.5 /);
    expect(await dialogue.say('RCPT TO:<vic@tidings.test>')).toMatch(/^452 4\.5\.3 /);
    dialogue.close();
  });

  it('takes no message that is too large, goes round in a loop, or has bare line ends', async () => {
    const dialogue = await greeted();
    expect(await dialogue.say(`MAIL FROM:<zoe@elsewhere.test> SIZE=${LARGEST + 1}`)).toMatch(/^552 5\.3\.4 /);
    dialogue.close();
    expect(await answerTo(`Subject: Large\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(1_500)}.\r\n`)).toMatch(/^552 5\.3\.4 /);
    expect(await answerTo(`${'Received: from a by b\r\n'.repeat(101)}\r\nx\r\n.\r\n`)).toMatch(/^554 5\.4\.6 /);
    for (const bare of ['\n', '\r', '\n.\n', '\n.\r\n', '\r\n.\n', '\r.\r'])
      expect([bare, await answerTo(`Subject: Bare\r\n\r\nx${bare}MAIL FROM:<smuggled@elsewhere.test>\r\n.\r\n`)]).toEqual([
        bare,
        expect.stringMatching(/^5\d\d 5\.\d\.\d /),
      ]);
    const { content } = await town.as.ann.ask<MailPage<Thread>>('GET', `/api/mailboxes/${desk}/threads?view=all`);
    expect(content).toEqual([]);
  });

  it('names the mail in its 250, which is there under that id, byte for byte behind what the door adds', async () => {
    const sent = 'From: Zoe <zoe@elsewhere.test>\r\nSubject: Dots\r\nMessage-ID: <dots@elsewhere.test>\r\n\r\n..\r\n..x\r\nend\r\n';
    const id = ACCEPTED.exec(await answerTo(`${sent.replaceAll(/^\./gm, '..')}.\r\n`))?.[1] ?? '';
    await expect.poll(() => town.as.ann.status('GET', `/api/emails/${id}`), SOON).toBe(200);
    const raw = await town.as.ann.call('GET', `/api/emails/${id}/raw`);
    expect([raw.headers.get('content-type'), (await raw.text()).endsWith(sent)]).toEqual(['message/rfc822', true]);
  });
});

describe('filing', () => {
  const mail = (headers: object): Parameters<typeof town.send>[1] => ({
    to: 'desk@tidings.test',
    subject: 'Filed',
    text: 'x',
    date: new Date(0),
    ...headers,
  });
  const named = (): string => `<${randomUUID()}@elsewhere.test>`;
  const messages = async (threadId: string) =>
    (await town.as.ann.ask<MailPage<Email>>('GET', `/api/threads/${threadId}/messages?mailboxId=${desk}`)).content;

  it('has the same mail once, and another one with its Message-ID beside it', async () => {
    const { ann } = town.as;
    const twice = mail({ subject: 'Once', messageId: named() });
    const first = await town.send('ann', twice);
    await town.send('ann', mail({ subject: 'A marker behind it', messageId: named() }));
    const before = await town.as.ann.ask<MailPage<Thread>>('GET', `/api/mailboxes/${desk}/threads?view=all`);
    // Sent again it is accepted, as the first 250 may have been lost; a mail behind it tells that it was dealt with.
    const sendAgain = async (): Promise<void> => {
      const transport = createTransport({ host: '127.0.0.1', port: town.program.smtpPort, tls: { rejectUnauthorized: false } });
      expect((await transport.sendMail({ from: 'Ann Other <ann@elsewhere.test>', ...twice })).response).toMatch(/^250 /);
      transport.close();
    };
    await sendAgain();
    const other = await town.send('ann', { ...twice, text: 'Something else under the same name' });
    expect(other.id).not.toBe(first.id);
    const after = await ann.ask<MailPage<Thread>>('GET', `/api/mailboxes/${desk}/threads?view=all`);
    const held = (await Promise.all(after.content.map(({ id }) => messages(id))))
      .flat()
      .filter(({ messageId }) => messageId === first.messageId);
    expect(held.map(({ id }) => id).toSorted()).toEqual([first.id, other.id].toSorted());
    expect(after.content.length - before.content.length).toBeLessThanOrEqual(1);
  });

  it('keeps recipients whom no header names', async () => {
    const email = await town.send(
      'ann',
      mail({ to: 'someone@elsewhere.test', envelope: { from: 'zoe@elsewhere.test', to: 'desk@tidings.test' } }),
    );
    expect([email.mailboxId, email.to, email.bcc]).toEqual([
      desk,
      [{ name: null, email: 'someone@elsewhere.test' }],
      [{ name: null, email: 'desk@tidings.test' }],
    ]);
  });

  it('finds the thread: what a mail answers whatever its subject, what it refers to by subject, else a new one; late ones join', async () => {
    const [original, unknown, late] = [named(), named(), named()];
    const first = await town.send('ann', mail({ subject: 'Roof', messageId: original }));
    const answer = await town.send('ann', mail({ subject: 'Something else', messageId: named(), inReplyTo: original }));
    const prefixed = ['RE: [2] Fwd: roof', 'Rép : Roof', 'Antw: AW: Roof', 'Re: 回复: Roof'];
    const related = [];
    for (const subject of prefixed)
      related.push(await town.send('ann', mail({ subject, messageId: named(), references: [unknown, original] })));
    const stranger = await town.send('ann', mail({ subject: 'Another roof', messageId: named(), references: [original] }));
    const sameSubject = await town.send('ann', mail({ subject: 'Re: Roof', messageId: named() }));
    expect([answer, ...related].map(({ threadId, subject }) => [subject, threadId])).toEqual(
      [answer, ...related].map(({ subject }) => [subject, first.threadId]),
    );
    expect(new Set([first, stranger, sameSubject].map(({ threadId }) => threadId)).size).toBe(3);
    const thread = await town.as.ann.ask<Thread>('GET', `/api/threads/${first.threadId}`);
    expect([thread.subject, thread.messageCount]).toEqual(['Roof', 2 + prefixed.length]);

    const early = await town.send('ann', mail({ subject: 'Re: Late', messageId: named(), inReplyTo: late }));
    expect((await town.send('ann', mail({ subject: 'Late', messageId: late }))).threadId).toBe(early.threadId);
    expect((await town.as.ann.ask<Thread>('GET', `/api/threads/${early.threadId}`)).subject).toBe('Re: Late');
  });

  it('leaves out spam and trash everywhere but where they are asked for', async () => {
    const { ann } = town.as;
    const word = `zebra${randomUUID().slice(0, 8)}`;
    for (const [place, set] of Object.entries({ spam: { spam: true }, trash: { trashed: true } })) {
      const email = await town.send('ann', mail({ subject: `${word} ${place}`, messageId: named() }));
      const ids = async (path: string) => (await ann.ask<MailPage<Thread>>('GET', path)).content.map(({ id }) => id);
      const search = async (query: string) =>
        (await ann.ask<MailPage<FoundThread>>('GET', `/api/search?q=${encodeURIComponent(query)}&mailboxId=${desk}`)).content.map(
          ({ thread }) => thread.id,
        );
      await expect.poll(() => search(`${word} ${place}`), SOON).toEqual([email.threadId]);
      await ann.ask('POST', '/api/threads/flags', { mailboxId: desk, threadIds: [email.threadId], set });
      await expect.poll(() => search(`${word} ${place}`), SOON).toEqual([]);
      expect(await search(`${word} in:${place}`)).toEqual([email.threadId]);
      for (const view of ['inbox', 'all', 'starred', 'archive', place === 'spam' ? 'trash' : 'spam'])
        expect([view, (await ids(`/api/mailboxes/${desk}/threads?view=${view}`)).includes(email.threadId)]).toEqual([view, false]);
      expect(await ids(`/api/mailboxes/${desk}/threads?view=${place}`)).toEqual([email.threadId]);
      expect(await ids(`/api/mailboxes/${desk}/threads?q=${word}`)).toEqual([]);
    }
  });
});

it('every kind of live event of mail is told to whoever reads the mailbox, and to nobody else', async () => {
  const { ann, vic } = town.as;
  const own = await town.openShared('told', { ann: 'admin', vic: 'viewer' });
  const secret = await town.openShared('secret', { ann: 'admin' });
  const heard = await town.listen('vic');
  for (const [mailboxId, name] of [
    [secret, 'secret'],
    [own, 'told'],
  ] as const) {
    const email = await town.send('ann', { to: `${name}@tidings.test`, subject: 'Told', text: 'x', messageId: `<${name}@elsewhere.test>` });
    await ann.ask('POST', '/api/threads/flags', { mailboxId, threadIds: [email.threadId], set: { starred: true } });
    await ann.ask('POST', `/api/threads/${email.threadId}/comments`, { content: 'Look at this' });
    const draft = await ann.ask<{ id: string }>('POST', `/api/mailboxes/${mailboxId}/drafts`, {
      to: [{ name: null, email: 'ann@tidings.test' }],
      subject: 'Answer',
      text: 'x',
    });
    await ann.ask('POST', `/api/drafts/${draft.id}/send`, { undoSeconds: 0 });
    await ann.ask('PATCH', `/api/mailboxes/${mailboxId}`, { name: `Known as ${name}` });
    const form = new FormData();
    form.append('file', new Blob(['From a@elsewhere.test Mon Mar 01 10:00:00 2010\nSubject: Old\n\nx\n']), 'old.mbox');
    const headers = { authorization: `Bearer ${ann.token}` };
    const begun = await fetch(`${town.program.httpUrl}/api/mailboxes/${mailboxId}/imports`, { method: 'POST', headers, body: form });
    const { id } = (await begun.json()) as Import; // the contract of the route
    await expect.poll(async () => (await ann.ask<Import>('GET', `/api/imports/${id}`)).state, SOON).toBe('done');
  }
  const types = ['CommentPosted', 'DeliveryChanged', 'DraftChanged', 'EmailReceived', 'ImportProgress', 'MailboxChanged', 'ThreadChanged'];
  await expect.poll(() => types.filter((type) => !heard.heard.some(({ event }) => event.type === type)), SOON).toEqual([]);
  expect(heard.heard.filter(({ event }) => JSON.stringify(event).includes(secret))).toEqual([]);
  heard.close();
  expect(await vic.status('GET', `/api/mailboxes/${secret}`)).toBe(404);
});
