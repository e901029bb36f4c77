/** Mail on its way into conversations, through every door, as a member and an outsider meet it: real SMTP, real signatures, real webhooks. */
import type { ConversationId } from '@tidings/contracts/ids';
import { issueReplyToken, replyAddressOf } from '@tidings/domain/gateway/reply-token';
import { ImapFlow } from 'imapflow';
import { createTransport, type SendMailOptions } from 'nodemailer';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { dovecotLacks, type RunningDovecot, startDovecot } from '../kit/dovecot.ts';
import { type GatewayTown, INBOX, keys, openGatewayTown, seedAddress, soon } from './gateway-kit.ts';
import { missing, type MailTown } from './mail-kit.ts';
import { isCaughtUp } from './town.ts';

const dovecotMissing = dovecotLacks();
let dovecot: RunningDovecot | null = null;
let gate: GatewayTown;
let town: MailTown<'alice' | 'bob' | 'postmaster'>;
beforeAll(async () => {
  dovecot = dovecotMissing === null ? await startDovecot() : null;
  gate = await openGatewayTown({
    EMAIL_HOURLY_LIMIT: '12',
    ...(dovecot === null
      ? { EMAIL_INBOUND_MODE: 'webhook' }
      : {
          ...{ EMAIL_INBOUND_MODE: 'imap', EMAIL_IMAP_HOST: '127.0.0.1', EMAIL_IMAP_PORT: String(dovecot.port), EMAIL_IMAP_TLS: 'none' },
          ...{ EMAIL_IMAP_USER: dovecot.username, EMAIL_IMAP_PASS: dovecot.password, EMAIL_IMAP_POLL_INTERVAL: '3600000' },
        }),
  });
  ({ town } = gate);
});
afterAll(async () => {
  await gate?.close();
  await dovecot?.stop();
});

describe('an answer to a reply address', () => {
  it('becomes a message of its author, without what they quote; the whole mail stays, and its files are media', async () => {
    const { roomId, grace, address } = await gate.conversation();
    const text = 'Yes, gladly.\n\nOn Mon, 1 Jan 2026 at 10:00, Alice <noreply@tidings.test> wrote:\n> Will you come?\n';
    await gate.deliver({
      to: address,
      text,
      messageId: '<first@example.org>',
      attachments: [{ filename: 'plan.pdf', content: '%PDF-1.4 plan' }],
    });
    await vi.waitFor(async () => expect(await gate.timeline(roomId)).toHaveLength(2), soon);
    const shown = await gate.timeline(roomId);
    expect(shown.map(({ senderId }) => senderId)).toEqual([grace, grace]);
    const said = shown.find(({ msgBody }) => msgBody.text !== undefined);
    const file = shown.find(({ msgBody }) => msgBody.mediaUrl !== undefined);
    expect([said?.msgBody.text, file?.msgBody.altText]).toEqual(['Yes, gladly.', 'plan.pdf']);
    const fetched = await town.as.bob.call('GET', file?.msgBody.mediaUrl ?? '');
    expect([fetched.status, await fetched.text()]).toEqual([200, '%PDF-1.4 plan']);

    await vi.waitFor(async () => expect(await gate.mappings(roomId)).toHaveLength(1), soon);
    const [mapping] = await gate.mappings(roomId);
    expect(mapping).toMatchObject({
      ...{ threadId: roomId, emailMessageId: '<first@example.org>', senderEmail: 'grace@example.org', subjectNormalized: 'the fair' },
      ...{ strategy: 'token', sureness: 'certain', disagreeing: [], messageId: said?.messageId },
    });
    expect(mapping?.replyToToken).toMatch(/^.{6}…$/);
    const whole = await town.as.bob.call('GET', `/gateway/mails/${mapping?.mailId}/raw`);
    expect([whole.headers.get('content-type'), await whole.text()]).toEqual([
      'message/rfc822',
      expect.stringContaining('> Will you come?'),
    ]);
    expect(await town.as.postmaster.refused('GET', `/gateway/mails/${mapping?.mailId}/raw`)).toEqual(missing);
    expect(await town.as.postmaster.ask('GET', `/gateway/mappings?threadId=${roomId}`)).toEqual([]);
    expect((await town.as.alice.refused('GET', '/gateway/mappings?threadId=x'))[0]).toBe(400);
  });

  it('counts once, however often it comes', async () => {
    const { roomId, address } = await gate.conversation();
    const mail = { to: address, messageId: '<twice@example.org>', date: new Date(0) };
    await gate.deliver({ ...mail, text: 'Once.' });
    await gate.deliver({ ...mail, text: 'Once.' });
    await gate.deliver({ ...mail, text: 'The same name, but something else.' });
    await gate.arrives(roomId, 'Once.', 'The same name, but something else.');
    await vi.waitFor(async () => expect(await gate.mappings(roomId)).toHaveLength(2), soon);
  });

  it('whose author nothing proves is held, until a member confirms or refuses it', async () => {
    const { roomId, grace, address } = await gate.conversation();
    await gate.deliver({ to: address, text: 'Is it me?' }, false);
    await gate.deliver({ to: address, text: 'Or somebody else?' }, false);
    await vi.waitFor(async () => expect(await gate.held(roomId)).toHaveLength(2), soon);
    const [one, other] = await gate.held(roomId);
    expect(one).toMatchObject({
      ...{ threadId: roomId, reason: 'unauthenticated', userId: grace, subject: 'Re: The fair' },
      from: { name: 'Grace Hopper', email: 'grace@example.org' },
    });
    expect(await gate.texts(roomId)).toEqual([]);
    expect(await gate.held(roomId, 'bob')).toHaveLength(2);
    expect(await town.as.postmaster.refused('POST', `/gateway/held/${one?.mailId}/confirm`)).toEqual(missing);
    const [isMe, isNot] = one?.preview === 'Is it me?' ? [one, other] : [other, one];
    await town.as.bob.ask('POST', `/gateway/held/${isMe?.mailId}/confirm`);
    await town.as.bob.ask('POST', `/gateway/held/${isNot?.mailId}/refuse`);
    await gate.arrives(roomId, 'Is it me?');
    expect((await gate.timeline(roomId)).map(({ senderId }) => senderId)).toEqual([grace]);
    expect(await gate.held(roomId)).toEqual([]);
    expect((await town.as.alice.refused('POST', `/gateway/held/${isNot?.mailId}/confirm`))[0]).toBe(409);
  });

  it('of a stranger is held, and never counts as the one whose address it is', async () => {
    const { roomId, grace, address } = await gate.conversation();
    await gate.deliver({ to: address, from: 'Mallory <mallory@example.org>', text: 'I found this address.' });
    await vi.waitFor(async () => expect(await gate.held(roomId)).toMatchObject([{ reason: 'stranger', userId: null }]), soon);
    const [waiting] = await gate.held(roomId);
    await town.as.alice.ask('POST', `/gateway/held/${waiting?.mailId}/confirm`);
    await gate.arrives(roomId, 'I found this address.');
    const [shown] = await gate.timeline(roomId);
    expect([shown?.senderId === grace, shown?.senderId === town.as.alice.id]).toEqual([false, false]);
  });

  it('is refused at the door when its token is tampered with, cut short or of another conversation, and when its owner has left', async () => {
    const { roomId, grace, address } = await gate.conversation();
    const text = 'No.';
    const last = address.replace(/(.)@/, (_, letter: string) => `${letter === 'a' ? 'b' : 'a'}@`);
    for (const to of [
      last,
      address.replace(/..@/, '@'),
      `reply+${randomUUID()}@${INBOX}`,
      replyAddressOf(issueReplyToken(keys, { conversationId: randomUUID() as ConversationId, number: 1 }, 'grace@example.org'), INBOX),
    ])
      expect(await gate.answerTo({ to, text }), to).toMatch(/550 5\.1\.1/);
    expect(await gate.answerTo({ to: address.toUpperCase(), text: 'In capitals.' })).toMatch(/^250/);
    await gate.arrives(roomId, 'In capitals.');
    await town.as.alice.ask('DELETE', `/api/rooms/${roomId}/users/${grace}`);
    await vi.waitFor(async () => expect(await gate.answerTo({ to: address, text })).toMatch(/550 5\.1\.1/), soon);
  });

  it("is taken in the seed's format, while it is young enough", async () => {
    const { roomId, grace } = await gate.conversation();
    const at = (issuedAt: number) => seedAddress(roomId, issuedAt);
    await gate.deliver({ to: at(Date.now()), text: 'By the older token.' });
    await gate.arrives(roomId, 'By the older token.');
    expect((await gate.timeline(roomId))[0]?.senderId).toBe(grace);
    expect(await gate.answerTo({ to: at(Date.now() - 366 * 86_400_000), text: 'Too late.' })).toMatch(/550 5\.1\.1/);
    expect(await gate.answerTo({ to: at(Date.now() + 600_000), text: 'Too early.' })).toMatch(/550 5\.1\.1/);
    expect(await gate.answerTo({ to: at(Date.now()).toLowerCase(), text: 'Folded.' })).toMatch(/550 5\.1\.1/);
  });
});

describe('a mail without a token', () => {
  const to = `hello@${INBOX}`;

  it('is matched by what it answers, then by sender and subject', async () => {
    const { roomId, address } = await gate.conversation('ada@example.org');
    const from = 'Ada <ada@example.org>';
    const subject = `A fair ${randomUUID()}`;
    await gate.deliver({ to: address, from, subject, text: 'One.', messageId: `<one-${roomId}@example.org>` });
    await gate.arrives(roomId, 'One.');
    await gate.deliver({
      to,
      from,
      subject: 'Another',
      text: 'Two.',
      inReplyTo: `<one-${roomId}@example.org>`,
      messageId: `<two-${roomId}@example.org>`,
    });
    await gate.arrives(roomId, 'One.', 'Two.');
    await gate.deliver({
      to,
      from,
      subject: 'Yet another',
      text: 'Three.',
      references: [`<one-${roomId}@example.org>`, '<unknown@example.org>'],
    });
    await gate.arrives(roomId, 'One.', 'Two.', 'Three.');
    await gate.deliver({ to, from, subject: `Fwd: RE: ${subject}`, text: 'Four.' });
    await gate.arrives(roomId, 'One.', 'Two.', 'Three.', 'Four.');
    await vi.waitFor(async () => expect(await gate.mappings(roomId)).toHaveLength(4), soon);
    expect((await gate.mappings(roomId)).map(({ strategy, sureness }) => `${strategy} ${sureness}`)).toEqual([
      'token certain',
      'in-reply-to high',
      'references high',
      'sender-subject low',
    ]);
    await gate.deliver({ to, from, subject, text: 'Forged?', inReplyTo: `<one-${roomId}@example.org>` }, false);
    await vi.waitFor(async () => expect(await gate.held(roomId)).toMatchObject([{ reason: 'unauthenticated', preview: 'Forged?' }]), soon);
  });

  it('goes to the mailbox of the gateway when nothing matches', async () => {
    const subject = `Nothing matches ${randomUUID()}`;
    await gate.deliver({ to, subject, text: 'Hello?' });
    const me = await town.as.postmaster.ask<{ mailboxes: readonly { id: string }[] }>('GET', '/api/me');
    const threads = `/api/mailboxes/${me.mailboxes[0]?.id}/threads?view=inbox`;
    await vi.waitFor(async () => expect(JSON.stringify(await town.as.postmaster.ask('GET', threads))).toContain(subject), soon);
  });
});

describe('loops', () => {
  it('end at once: no automatic answer, report or mail of a list becomes a message', async () => {
    const { roomId, address } = await gate.conversation('loop@example.org');
    const from = 'Loop <loop@example.org>';
    const automatic: readonly Record<string, string>[] = [
      { 'Auto-Submitted': 'auto-replied' },
      { 'List-Id': '<fair.example.org>' },
      { Precedence: 'bulk' },
      { 'X-Auto-Response-Suppress': 'All' },
    ];
    for (const [at, headers] of automatic.entries()) await gate.deliver({ to: address, from, headers, text: `Automatic ${at}` });
    await gate.deliver({ to: address, from, text: 'A report', envelope: { from: '', to: address } });
    await gate.deliver({ to: address, from, text: 'A person.' });
    await gate.arrives(roomId, 'A person.');
    expect(await gate.held(roomId)).toEqual([]);
  });

  it('that no header gives away end at a limit', async () => {
    const { roomId, address } = await gate.conversation('flood@example.org');
    for (let n = 1; n <= 14; n += 1) await gate.deliver({ to: address, from: 'flood@example.org', text: `Pong ${n}` });
    await vi.waitFor(async () => expect(await gate.mappings(roomId)).toHaveLength(12), soon);
  });
});

describe('webhooks', () => {
  const trusted = { 'Authentication-Results': 'mx.relay.test; dmarc=pass header.from=example.org' };
  it("bring the seed's JSON in, once, with its files, and beside the other doors", async () => {
    const { roomId, grace, address } = await gate.conversation();
    const content = Buffer.from('%PDF-1.4 x').toString('base64');
    const body = JSON.stringify({
      ...{
        from: 'grace@example.org',
        to: address,
        subject: 'Re: The fair',
        text: 'By webhook.\n\n> Will you come?',
        html: '<p>By webhook.</p>',
      },
      headers: { ...trusted, 'Message-ID': '<hook@example.org>' },
      attachments: [{ filename: 'file.pdf', content, contentType: 'application/pdf' }],
    });
    for (let n = 0; n < 2; n += 1) {
      const answer = await gate.post(body);
      expect([answer.status, await answer.json()]).toEqual([200, { success: true, message: 'Email processed' }]);
    }
    await vi.waitFor(async () => expect(await gate.timeline(roomId)).toHaveLength(2), soon);
    expect((await gate.timeline(roomId)).map(({ senderId, msgBody }) => [senderId, msgBody.text ?? msgBody.altText])).toEqual(
      expect.arrayContaining([
        [grace, 'By webhook.'],
        [grace, 'file.pdf'],
      ]),
    );
    const postmark = JSON.stringify({
      ...{ From: 'grace@example.org', To: address, Subject: 'Re: The fair', TextBody: 'By Postmark.' },
      Headers: [
        { Name: 'Received-SPF', Value: 'pass' },
        { Name: 'Message-ID', Value: '<pm@example.org>' },
      ],
    });
    const authorization = `Basic ${Buffer.from('user:password').toString('base64')}`;
    expect((await gate.post(postmark, { authorization }, '/gateway/inbound/postmark')).status).toBe(200);
    await gate.deliver({ to: address, text: 'By Postmark.', messageId: '<pm@example.org>' });
    await gate.deliver({ to: address, text: 'By SMTP.' });
    await vi.waitFor(async () => expect(await gate.timeline(roomId)).toHaveLength(4), soon);
  });

  it('hold what no relay vouches for', async () => {
    const { roomId, address } = await gate.conversation();
    expect((await gate.post(JSON.stringify({ from: 'grace@example.org', to: address, text: 'Who am I?' }))).status).toBe(200);
    await vi.waitFor(
      async () => expect(await gate.held(roomId)).toMatchObject([{ reason: 'unauthenticated', preview: 'Who am I?' }]),
      soon,
    );
  });

  it('say what is wrong: signature, JSON, base64, type, size, recipient, and doors that are not open', async () => {
    const { address } = await gate.conversation();
    const mail = { from: 'grace@example.org', to: address, text: 'x' };
    const status = async (...request: Parameters<typeof gate.post>) => (await gate.post(...request)).status;
    expect(await status(JSON.stringify(mail), { 'x-webhook-signature': 'x' })).toBe(401);
    expect(await status('{')).toBe(400);
    expect(await status(JSON.stringify({ ...mail, attachments: [{ content: '§' }] }))).toBe(400);
    expect(await status('x', { 'content-type': 'text/html' })).toBe(415);
    expect(await status(JSON.stringify({ ...mail, text: 'x'.repeat(42 * 1024 * 1024) }))).toBe(413);
    expect(await status(JSON.stringify({ ...mail, to: 'nobody@tidings.test' }))).toBe(422);
    expect(await status(JSON.stringify({ ...mail, to: address.replace(/.@/, '@') }))).toBe(422);
    expect(await status(JSON.stringify(mail), {}, '/gateway/inbound/postmark')).toBe(401);
    expect(await status(JSON.stringify(mail), {}, '/gateway/inbound/mailgun')).toBe(401);
  });
});

describe('an IMAP account', () => {
  const asMail = async (mail: SendMailOptions): Promise<Buffer> => {
    const composed = await createTransport({ streamTransport: true, buffer: true, newline: 'windows' }).sendMail({
      ...{
        from: 'Grace Hopper <grace@example.org>',
        subject: 'Re: The fair',
        dkim: gate.dkim,
      },
      ...mail,
    });
    if (!Buffer.isBuffer(composed.message)) throw new Error('the mail is no buffer');
    return composed.message;
  };

  it('is fetched as mail comes in there and when asked to, each mail once, whatever other door it came by', async ({ skip }) => {
    if (dovecot === null) return skip(dovecotMissing ?? '');
    const { roomId, grace, address } = await gate.conversation();
    const client = new ImapFlow({
      ...{ host: '127.0.0.1', port: dovecot.port, secure: false, doSTARTTLS: false, logger: false },
      auth: { user: dovecot.username, pass: dovecot.password },
    });
    await client.connect();
    try {
      const both = { to: address, text: 'By IMAP and by SMTP.', messageId: '<both@example.org>', date: new Date(0) };
      await gate.deliver(both);
      await client.append('INBOX', await asMail(both));
      await client.append('INBOX', await asMail({ to: address, text: 'By IMAP.' }));
      await gate.arrives(roomId, 'By IMAP and by SMTP.', 'By IMAP.');
      expect((await gate.timeline(roomId)).map(({ senderId }) => senderId)).toEqual([grace, grace]);
      expect(await town.as.alice.ask('POST', '/gateway/sync')).toEqual({ success: true, message: 'Sync triggered' });
      await client.append(
        'INBOX',
        await asMail({ to: 'somebody@example.org', text: 'Delivered to her.', headers: { 'Delivered-To': address } }),
      );
      await town.as.alice.ask('POST', '/gateway/sync');
      await gate.arrives(roomId, 'By IMAP and by SMTP.', 'By IMAP.', 'Delivered to her.');
      const { lastSync } = await town.as.alice.ask<{ lastSync: string }>('GET', '/gateway/stats');
      expect(Date.parse(lastSync)).toBeGreaterThan(Date.now() - 600_000);
      await client.mailboxOpen('INBOX', { readOnly: true });
      await vi.waitFor(async () => expect(await client.search({ seen: false }, { uid: true })).toEqual([]), soon);
    } finally {
      await client.logout();
    }
  });
});

it('figures are those of the log', async () => {
  const { roomId, address } = await gate.conversation('figures@example.org');
  const stats = () => town.as.alice.ask<{ processedToday: number; failedToday: number; lastSync: string | null }>('GET', '/gateway/stats');
  await vi.waitFor(async () => expect(await isCaughtUp(town.program)).toBe(true), soon); // with the mail of the tests before
  const before = await stats();
  await gate.deliver({ to: address, from: 'figures@example.org', text: 'Count me.', messageId: '<count@example.org>', date: new Date(0) });
  await gate.deliver({ to: address, from: 'figures@example.org', text: 'Count me.', messageId: '<count@example.org>', date: new Date(0) });
  await gate.arrives(roomId, 'Count me.');
  await vi.waitFor(async () => expect((await stats()).processedToday).toBe(before.processedToday + 1), soon);
  expect(await stats()).toMatchObject({ inboundEnabled: true, outboundEnabled: false, failedToday: before.failedToday });
});
