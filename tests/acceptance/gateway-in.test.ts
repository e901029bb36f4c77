/** Mail on its way into conversations, through every door, as a member and an outsider meet it: real SMTP, real signatures, real webhooks. */
import type { EmailThreadMapping, HeldMail } from '@tidings/contracts/http/gateway';
import type { ConversationId } from '@tidings/contracts/ids';
import { issueReplyToken, issueSeedToken, replyAddressOf, replyKeysOf } from '@tidings/domain/gateway/reply-token';
import { ImapFlow } from 'imapflow';
import { createTransport, type SendMailOptions } from 'nodemailer';
import { createHmac, generateKeyPairSync, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startDns, type DnsServer } from '../kit/dns.ts';
import { dovecotLacks, type RunningDovecot, startDovecot } from '../kit/dovecot.ts';
import { conflict, missing, openMailTown, type MailTown } from './mail-kit.ts';

const SECRET = 'test-secret';
const keys = replyKeysOf((key, data) => createHmac('sha256', key).update(data).digest(), SECRET);
const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const published = `v=DKIM1; k=rsa; p=${publicKey.replace(/-----[^-]+-----|\s/g, '')}`;
const INBOX = 'inbox.tidings.test';
const soon = { timeout: 20_000, interval: 20 };

const dovecotMissing = dovecotLacks();
let dovecot: RunningDovecot | null = null;
let dns: DnsServer;
let town: MailTown<'alice' | 'bob' | 'postmaster'>;
beforeAll(async () => {
  dns = await startDns({ 'k._domainkey.example.org TXT': published });
  dovecot = dovecotMissing === null ? await startDovecot() : null;
  town = await openMailTown(['alice', 'bob', 'postmaster'], {
    ...{ DNS_SERVERS: dns.address, EMAIL_REPLY_SECRET: SECRET, EMAIL_HOURLY_LIMIT: '12', EMAIL_OUTBOUND_ENABLED: 'off' },
    ...(dovecot === null
      ? { EMAIL_INBOUND_MODE: 'webhook' }
      : {
          ...{ EMAIL_INBOUND_MODE: 'imap', EMAIL_IMAP_HOST: '127.0.0.1', EMAIL_IMAP_PORT: String(dovecot.port), EMAIL_IMAP_TLS: 'none' },
          ...{ EMAIL_IMAP_USER: dovecot.username, EMAIL_IMAP_PASS: dovecot.password, EMAIL_IMAP_POLL_INTERVAL: '3600000' },
        }),
    ...{ EMAIL_WEBHOOK_SECRET: 'webhook-secret', EMAIL_POSTMARK_CREDENTIALS: 'user:password' },
  });
});
afterAll(async () => {
  await town?.close();
  await dns?.close();
  await dovecot?.stop();
});

interface Conversation {
  readonly roomId: ConversationId;
  readonly grace: string;
  /** Grace's reply address. */
  readonly address: string;
}

/** A group of Alice and Bob, with an outsider who writes from `email`. */
const conversation = async (email = 'grace@example.org'): Promise<Conversation> => {
  const { alice, bob } = town.as;
  const { id: roomId } = await alice.ask<{ id: ConversationId }>('POST', '/api/rooms/create-room', {
    roomType: 'Group',
    roomName: 'The fair',
    invitedUsers: [alice.id, bob.id],
  });
  const participant = await alice.ask<{ userId: string; email: string }>('POST', `/api/rooms/${roomId}/email-participants`, {
    email: email.toUpperCase(),
    name: 'Grace Hopper',
  });
  expect(participant.email).toBe(email);
  const token = issueReplyToken(keys, { conversationId: roomId, number: 1 }, email);
  return { roomId, grace: participant.userId, address: replyAddressOf(token, INBOX) };
};

const deliver = async (mail: SendMailOptions, signed = true): Promise<string> => {
  const transport = createTransport({
    ...{ host: '127.0.0.1', port: town.program.smtpPort, tls: { rejectUnauthorized: false } },
    ...(signed ? { dkim: { domainName: 'example.org', keySelector: 'k', privateKey } } : {}),
  });
  const { response } = await transport.sendMail({ from: 'Grace Hopper <grace@example.org>', subject: 'Re: The fair', ...mail });
  transport.close();
  return response;
};
const refusal = (mail: SendMailOptions): Promise<string> =>
  deliver(mail).then(
    (response) => response,
    (error: unknown) => (error instanceof Error ? error.message : ''),
  );

interface Shown {
  readonly messageId: string;
  readonly senderId: string;
  readonly msgBody: { readonly text?: string; readonly mediaUrl?: string; readonly altText?: string };
}
const timeline = async (roomId: string): Promise<readonly Shown[]> =>
  (await town.as.alice.ask<readonly Shown[]>('GET', `/api/rooms/${roomId}/timeline?pageSize=100`)).filter(
    ({ msgBody }) => 'text' in msgBody || 'mediaUrl' in msgBody,
  );
const texts = async (roomId: string): Promise<readonly (string | undefined)[]> =>
  (await timeline(roomId)).map(({ msgBody }) => msgBody.text ?? msgBody.mediaUrl).toSorted();
const arrives = (roomId: string, ...expected: readonly string[]): Promise<void> =>
  vi.waitFor(async () => expect(await texts(roomId)).toEqual(expected.toSorted()), soon);
const mappings = (roomId: string): Promise<readonly EmailThreadMapping[]> =>
  town.as.alice.ask('GET', `/gateway/mappings?threadId=${roomId}`);
const held = (roomId: string, who: 'alice' | 'bob' = 'alice'): Promise<readonly HeldMail[]> =>
  town.as[who].ask('GET', `/gateway/held?threadId=${roomId}`);

describe('an answer to a reply address', () => {
  it('becomes a message of its author, without what they quote; the whole mail stays, and its files are media', async () => {
    const { roomId, grace, address } = await conversation();
    const text = 'Yes, gladly.\n\nOn Mon, 1 Jan 2026 at 10:00, Alice <noreply@tidings.test> wrote:\n> Will you come?\n';
    await deliver({
      to: address,
      text,
      messageId: '<first@example.org>',
      attachments: [{ filename: 'plan.pdf', content: '%PDF-1.4 plan' }],
    });
    await vi.waitFor(async () => expect(await timeline(roomId)).toHaveLength(2), soon);
    const shown = await timeline(roomId);
    expect(shown.map(({ senderId }) => senderId)).toEqual([grace, grace]);
    const said = shown.find(({ msgBody }) => msgBody.text !== undefined);
    const file = shown.find(({ msgBody }) => msgBody.mediaUrl !== undefined);
    expect([said?.msgBody.text, file?.msgBody.altText]).toEqual(['Yes, gladly.', 'plan.pdf']);
    const fetched = await town.as.bob.call('GET', file?.msgBody.mediaUrl ?? '');
    expect([fetched.status, await fetched.text()]).toEqual([200, '%PDF-1.4 plan']);

    await vi.waitFor(async () => expect(await mappings(roomId)).toHaveLength(1), soon);
    const [mapping] = await mappings(roomId);
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
    const { roomId, address } = await conversation();
    const mail = { to: address, messageId: '<twice@example.org>', date: new Date(0) };
    await deliver({ ...mail, text: 'Once.' });
    await deliver({ ...mail, text: 'Once.' });
    await deliver({ ...mail, text: 'The same name, but something else.' });
    await arrives(roomId, 'Once.', 'The same name, but something else.');
    await vi.waitFor(async () => expect(await mappings(roomId)).toHaveLength(2), soon);
  });

  it('whose author nothing proves is held, until a member confirms or refuses it', async () => {
    const { roomId, grace, address } = await conversation();
    await deliver({ to: address, text: 'Is it me?' }, false);
    await deliver({ to: address, text: 'Or somebody else?' }, false);
    await vi.waitFor(async () => expect(await held(roomId)).toHaveLength(2), soon);
    const [one, other] = await held(roomId);
    expect(one).toMatchObject({
      ...{ threadId: roomId, reason: 'unauthenticated', userId: grace, subject: 'Re: The fair' },
      from: { name: 'Grace Hopper', email: 'grace@example.org' },
    });
    expect(await texts(roomId)).toEqual([]);
    expect(await held(roomId, 'bob')).toHaveLength(2);
    expect(await town.as.postmaster.refused('POST', `/gateway/held/${one?.mailId}/confirm`)).toEqual(missing);
    const [isMe, isNot] = one?.preview === 'Is it me?' ? [one, other] : [other, one];
    await town.as.bob.ask('POST', `/gateway/held/${isMe?.mailId}/confirm`);
    await town.as.bob.ask('POST', `/gateway/held/${isNot?.mailId}/refuse`);
    await arrives(roomId, 'Is it me?');
    expect((await timeline(roomId)).map(({ senderId }) => senderId)).toEqual([grace]);
    expect(await held(roomId)).toEqual([]);
    expect((await town.as.alice.refused('POST', `/gateway/held/${isNot?.mailId}/confirm`))[0]).toBe(409);
  });

  it('of a stranger is held, and never counts as the one whose address it is', async () => {
    const { roomId, grace, address } = await conversation();
    await deliver({ to: address, from: 'Mallory <mallory@example.org>', text: 'I found this address.' });
    await vi.waitFor(async () => expect(await held(roomId)).toMatchObject([{ reason: 'stranger', userId: null }]), soon);
    const [waiting] = await held(roomId);
    await town.as.alice.ask('POST', `/gateway/held/${waiting?.mailId}/confirm`);
    await arrives(roomId, 'I found this address.');
    const [shown] = await timeline(roomId);
    expect([shown?.senderId === grace, shown?.senderId === town.as.alice.id]).toEqual([false, false]);
  });

  it('is refused at the door when its token is tampered with, cut short or of another conversation, and when its owner has left', async () => {
    const { roomId, grace, address } = await conversation();
    const text = 'No.';
    const last = address.replace(/(.)@/, (_, letter: string) => `${letter === 'a' ? 'b' : 'a'}@`);
    for (const to of [
      last,
      address.replace(/..@/, '@'),
      `reply+${randomUUID()}@${INBOX}`,
      replyAddressOf(issueReplyToken(keys, { conversationId: randomUUID() as ConversationId, number: 1 }, 'grace@example.org'), INBOX),
    ])
      expect(await refusal({ to, text }), to).toMatch(/550 5\.1\.1/);
    expect(await refusal({ to: address.toUpperCase(), text: 'In capitals.' })).toMatch(/^250/);
    await arrives(roomId, 'In capitals.');
    await town.as.alice.ask('DELETE', `/api/rooms/${roomId}/users/${grace}`);
    await vi.waitFor(async () => expect(await refusal({ to: address, text })).toMatch(/550 5\.1\.1/), soon);
  });

  it("is taken in the seed's format, while it is young enough", async () => {
    const { roomId, grace } = await conversation();
    const at = (issuedAt: number) => replyAddressOf(issueSeedToken(keys, { conversationId: roomId, issuedAt }), INBOX);
    await deliver({ to: at(Date.now()), text: 'By the older token.' });
    await arrives(roomId, 'By the older token.');
    expect((await timeline(roomId))[0]?.senderId).toBe(grace);
    expect(await refusal({ to: at(Date.now() - 366 * 86_400_000), text: 'Too late.' })).toMatch(/550 5\.1\.1/);
    expect(await refusal({ to: at(Date.now() + 600_000), text: 'Too early.' })).toMatch(/550 5\.1\.1/);
    expect(await refusal({ to: at(Date.now()).toLowerCase(), text: 'Folded.' })).toMatch(/550 5\.1\.1/);
  });
});

describe('a mail without a token', () => {
  const to = `hello@${INBOX}`;

  it('is matched by what it answers, then by sender and subject', async () => {
    const { roomId, address } = await conversation('ada@example.org');
    const from = 'Ada <ada@example.org>';
    const subject = `A fair ${randomUUID()}`;
    await deliver({ to: address, from, subject, text: 'One.', messageId: `<one-${roomId}@example.org>` });
    await arrives(roomId, 'One.');
    await deliver({
      to,
      from,
      subject: 'Another',
      text: 'Two.',
      inReplyTo: `<one-${roomId}@example.org>`,
      messageId: `<two-${roomId}@example.org>`,
    });
    await arrives(roomId, 'One.', 'Two.');
    await deliver({
      to,
      from,
      subject: 'Yet another',
      text: 'Three.',
      references: [`<one-${roomId}@example.org>`, '<unknown@example.org>'],
    });
    await arrives(roomId, 'One.', 'Two.', 'Three.');
    await deliver({ to, from, subject: `Fwd: RE: ${subject}`, text: 'Four.' });
    await arrives(roomId, 'One.', 'Two.', 'Three.', 'Four.');
    await vi.waitFor(async () => expect(await mappings(roomId)).toHaveLength(4), soon);
    expect((await mappings(roomId)).map(({ strategy, sureness }) => `${strategy} ${sureness}`)).toEqual([
      'token certain',
      'in-reply-to high',
      'references high',
      'sender-subject low',
    ]);
    await deliver({ to, from, subject, text: 'Forged?', inReplyTo: `<one-${roomId}@example.org>` }, false);
    await vi.waitFor(async () => expect(await held(roomId)).toMatchObject([{ reason: 'unauthenticated', preview: 'Forged?' }]), soon);
  });

  it('goes to the mailbox of the gateway when nothing matches', async () => {
    const subject = `Nothing matches ${randomUUID()}`;
    await deliver({ to, subject, text: 'Hello?' });
    const me = await town.as.postmaster.ask<{ mailboxes: readonly { id: string }[] }>('GET', '/api/me');
    const threads = `/api/mailboxes/${me.mailboxes[0]?.id}/threads?view=inbox`;
    await vi.waitFor(async () => expect(JSON.stringify(await town.as.postmaster.ask('GET', threads))).toContain(subject), soon);
  });
});

describe('loops', () => {
  it('end at once: no automatic answer, report or mail of a list becomes a message', async () => {
    const { roomId, address } = await conversation('loop@example.org');
    const from = 'Loop <loop@example.org>';
    const automatic: readonly Record<string, string>[] = [
      { 'Auto-Submitted': 'auto-replied' },
      { 'List-Id': '<fair.example.org>' },
      { Precedence: 'bulk' },
      { 'X-Auto-Response-Suppress': 'All' },
    ];
    for (const [at, headers] of automatic.entries()) await deliver({ to: address, from, headers, text: `Automatic ${at}` });
    await deliver({ to: address, from, text: 'A report', envelope: { from: '', to: address } });
    await deliver({ to: address, from, text: 'A person.' });
    await arrives(roomId, 'A person.');
    expect(await held(roomId)).toEqual([]);
  });

  it('that no header gives away end at a limit', async () => {
    const { roomId, address } = await conversation('flood@example.org');
    for (let n = 1; n <= 14; n += 1) await deliver({ to: address, from: 'flood@example.org', text: `Pong ${n}` });
    await vi.waitFor(async () => expect(await mappings(roomId)).toHaveLength(12), soon);
  });
});

describe('webhooks', () => {
  const trusted = { 'Authentication-Results': 'mx.relay.test; dmarc=pass header.from=example.org' };
  const post = (body: string, headers: Readonly<Record<string, string>> = {}, path = '/gateway/inbound'): Promise<Response> => {
    const signature = createHmac('sha256', 'webhook-secret').update(body).digest('hex');
    return fetch(`${town.program.httpUrl}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-webhook-signature': signature, ...headers },
      body,
    });
  };

  it("bring the seed's JSON in, once, with its files, and beside the other doors", async () => {
    const { roomId, grace, address } = await conversation();
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
      const answer = await post(body);
      expect([answer.status, await answer.json()]).toEqual([200, { success: true, message: 'Email processed' }]);
    }
    await vi.waitFor(async () => expect(await timeline(roomId)).toHaveLength(2), soon);
    expect((await timeline(roomId)).map(({ senderId, msgBody }) => [senderId, msgBody.text ?? msgBody.altText])).toEqual(
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
    expect((await post(postmark, { authorization }, '/gateway/inbound/postmark')).status).toBe(200);
    await deliver({ to: address, text: 'By Postmark.', messageId: '<pm@example.org>' });
    await deliver({ to: address, text: 'By SMTP.' });
    await vi.waitFor(async () => expect(await timeline(roomId)).toHaveLength(4), soon);
  });

  it('hold what no relay vouches for', async () => {
    const { roomId, address } = await conversation();
    expect((await post(JSON.stringify({ from: 'grace@example.org', to: address, text: 'Who am I?' }))).status).toBe(200);
    await vi.waitFor(async () => expect(await held(roomId)).toMatchObject([{ reason: 'unauthenticated', preview: 'Who am I?' }]), soon);
  });

  it('say what is wrong: signature, JSON, base64, type, size, recipient, and doors that are not open', async () => {
    const { address } = await conversation();
    const mail = { from: 'grace@example.org', to: address, text: 'x' };
    const status = async (...request: Parameters<typeof post>) => (await post(...request)).status;
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
        dkim: { domainName: 'example.org', keySelector: 'k', privateKey },
      },
      ...mail,
    });
    if (!Buffer.isBuffer(composed.message)) throw new Error('the mail is no buffer');
    return composed.message;
  };

  it('is fetched as mail comes in there and when asked to, each mail once, whatever other door it came by', async ({ skip }) => {
    if (dovecot === null) return skip(dovecotMissing ?? '');
    const { roomId, grace, address } = await conversation();
    const client = new ImapFlow({
      ...{ host: '127.0.0.1', port: dovecot.port, secure: false, doSTARTTLS: false, logger: false },
      auth: { user: dovecot.username, pass: dovecot.password },
    });
    await client.connect();
    try {
      const both = { to: address, text: 'By IMAP and by SMTP.', messageId: '<both@example.org>', date: new Date(0) };
      await deliver(both);
      await client.append('INBOX', await asMail(both));
      await client.append('INBOX', await asMail({ to: address, text: 'By IMAP.' }));
      await arrives(roomId, 'By IMAP and by SMTP.', 'By IMAP.');
      expect((await timeline(roomId)).map(({ senderId }) => senderId)).toEqual([grace, grace]);
      expect(await town.as.alice.ask('POST', '/gateway/sync')).toEqual({ success: true, message: 'Sync triggered' });
      await client.append(
        'INBOX',
        await asMail({ to: 'somebody@example.org', text: 'Delivered to her.', headers: { 'Delivered-To': address } }),
      );
      await town.as.alice.ask('POST', '/gateway/sync');
      await arrives(roomId, 'By IMAP and by SMTP.', 'By IMAP.', 'Delivered to her.');
      const { lastSync } = await town.as.alice.ask<{ lastSync: string }>('GET', '/gateway/stats');
      expect(Date.parse(lastSync)).toBeGreaterThan(Date.now() - 600_000);
      await client.mailboxOpen('INBOX', { readOnly: true });
      await vi.waitFor(async () => expect(await client.search({ seen: false }, { uid: true })).toEqual([]), soon);
    } finally {
      await client.logout();
    }
  });

  it('that there is none is said to who wants it fetched', async ({ skip }) => {
    if (dovecot !== null) return skip('not run: there is a Dovecot to fetch from');
    expect(await town.as.alice.refused('POST', '/gateway/sync')).toEqual(conflict);
  });
});

it('figures are those of the log', async () => {
  const { roomId, address } = await conversation('figures@example.org');
  const stats = () => town.as.alice.ask<{ processedToday: number; failedToday: number; lastSync: string | null }>('GET', '/gateway/stats');
  const before = await stats();
  await deliver({ to: address, from: 'figures@example.org', text: 'Count me.', messageId: '<count@example.org>', date: new Date(0) });
  await deliver({ to: address, from: 'figures@example.org', text: 'Count me.', messageId: '<count@example.org>', date: new Date(0) });
  await arrives(roomId, 'Count me.');
  await vi.waitFor(async () => expect((await stats()).processedToday).toBe(before.processedToday + 1), soon);
  expect(await stats()).toMatchObject({ inboundEnabled: true, outboundEnabled: false, failedToday: before.failedToday });
});
