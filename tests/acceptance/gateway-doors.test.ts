/** Who brings mail into conversations, and how: providers with their own signatures, strangers, mail threads, too much of it, a log that is away. */
import type { Email, MailPage, Me, Thread } from '@tidings/contracts/http/mail-objects';
import type { ConversationId } from '@tidings/contracts/ids';
import { createHmac, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type GatewayTown, INBOX, openGatewayTown, seedAddress, soon } from './gateway-kit.ts';
import { conflict, invalid, missing } from './mail-kit.ts';

const sendgrid = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const TOPIC = 'arn:aws:sns:eu-west-1:123456789012:mail';
/** Calls that may come in at once, then one in a long while: few enough to be used up, enough for all other tests. */
const [TAKEN, REFUSED] = [40, 60];

let gate: GatewayTown;
beforeAll(async () => {
  gate = await openGatewayTown({
    ...{ EMAIL_REPLY_STRANGERS: 'post', EMAIL_MAILGUN_SIGNING_KEY: 'mailgun-key', EMAIL_SES_TOPICS: TOPIC, EMAIL_REPLY_TTL_DAYS: '1' },
    EMAIL_SENDGRID_PUBLIC_KEY: sendgrid.publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
    RATE_LIMITS: `service=0.01/${TAKEN},failures=0.01/${REFUSED}`,
  });
});
afterAll(() => gate?.close());

const statusOf = async (asked: Promise<Response>): Promise<number> => (await asked).status;
const vouched = 'mx.relay.test; dmarc=pass header.from=example.org';
/** A form as its provider sends it. */
const formOf = async (fields: Readonly<Record<string, string>>): Promise<{ readonly body: Buffer; readonly type: string }> => {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  const made = new Response(form);
  return { body: Buffer.from(await made.arrayBuffer()), type: made.headers.get('content-type') ?? '' };
};
const call = (path: string, body: Buffer | string, headers: Readonly<Record<string, string>>): Promise<Response> =>
  fetch(`${gate.town.program.httpUrl}/gateway/inbound/${path}`, { method: 'POST', headers, body });

describe('a provider', () => {
  it('Postmark brings mail behind its user name and password, and is told to stop where nobody is', async () => {
    const { roomId, grace, address } = await gate.conversation();
    const told = (to: string) =>
      JSON.stringify({
        ...{ From: 'Grace <grace@example.org>', To: to, OriginalRecipient: to, Subject: 'Re: The fair', TextBody: 'By Postmark.' },
        Headers: [
          { Name: 'Message-ID', Value: `<${randomUUID()}@example.org>` },
          { Name: 'Received-SPF', Value: 'Pass (mx: domain of example.org) client-ip=192.0.2.1' },
        ],
      });
    const by = (credentials: string) => ({
      ...{ 'content-type': 'application/json', authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
    });
    expect(await statusOf(call('postmark', told(address), by('user:wrong')))).toBe(401);
    expect(await statusOf(call('postmark', told(`reply+x@${INBOX}`), by('user:password')))).toBe(403);
    const taken = await call('postmark', told(address), by('user:password'));
    expect([taken.status, await taken.json()]).toEqual([200, { success: true, message: 'Email processed' }]);
    await gate.arrives(roomId, 'By Postmark.');
    expect((await gate.timeline(roomId)).map(({ senderId }) => senderId)).toEqual([grace]);
  });

  it('SendGrid signs time and body with its key', async () => {
    const { roomId, grace, address } = await gate.conversation();
    const { body, type } = await formOf({
      ...{ from: 'Grace <grace@example.org>', to: address, subject: 'Re: The fair', text: 'By SendGrid.', SPF: 'pass' },
      ...{ headers: `Message-ID: <${randomUUID()}@example.org>`, envelope: JSON.stringify({ to: [address], from: 'grace@example.org' }) },
    });
    const at = (ms: number, signed = body) => {
      const timestamp = String(Math.floor((Date.now() + ms) / 1000));
      const signature = sign('sha256', Buffer.concat([Buffer.from(timestamp), signed]), sendgrid.privateKey).toString('base64');
      return {
        ...{ 'content-type': type, 'x-twilio-email-event-webhook-timestamp': timestamp },
        'x-twilio-email-event-webhook-signature': signature,
      };
    };
    expect(await statusOf(call('sendgrid', body, at(0, Buffer.from('something else'))))).toBe(401);
    expect(await statusOf(call('sendgrid', body, at(-400_000)))).toBe(401);
    expect(await statusOf(call('sendgrid', body, at(0)))).toBe(200);
    await gate.arrives(roomId, 'By SendGrid.');
    expect((await gate.timeline(roomId)).map(({ senderId }) => senderId)).toEqual([grace]);
  });

  it('Mailgun signs time and token, each token good for one mail, and is told to stop where nobody is', async () => {
    const { roomId, grace, address } = await gate.conversation();
    const send = async (more: Readonly<Record<string, string>>, token: string, { key = 'mailgun-key', ms = 0 } = {}): Promise<number> => {
      const timestamp = String(Math.floor((Date.now() + ms) / 1000));
      const { body, type } = await formOf({
        ...{ recipient: address, sender: 'grace@example.org', from: 'Grace <grace@example.org>', subject: 'Re: The fair' },
        ...{ 'body-plain': 'By Mailgun.', timestamp, token },
        signature: createHmac('sha256', key).update(`${timestamp}${token}`).digest('hex'),
        'message-headers': JSON.stringify([
          ['Message-Id', '<mailgun@example.org>'],
          ['Authentication-Results', vouched],
        ]),
        ...more,
      });
      return statusOf(call('mailgun', body, { 'content-type': type }));
    };
    expect(await send({}, 'a', { key: 'wrong' })).toBe(401);
    expect(await send({}, 'b', { ms: -13 * 3_600_000 })).toBe(401);
    expect(await send({ recipient: `reply+x@${INBOX}` }, 'c')).toBe(406);
    expect(await send({}, 'd')).toBe(200);
    expect(await send({ 'body-plain': 'Put in its place.' }, 'd')).toBe(401);
    await gate.arrives(roomId, 'By Mailgun.');
    expect((await gate.timeline(roomId)).map(({ senderId }) => senderId)).toEqual([grace]);
  });

  it('Amazon is believed by its own certificate and for topics of ours alone', async () => {
    const { address } = await gate.conversation();
    const mail = { source: 'grace@example.org', destination: [address] };
    const said = (more: object): string =>
      JSON.stringify({
        ...{ Type: 'Notification', MessageId: randomUUID(), TopicArn: TOPIC, Timestamp: new Date().toISOString(), SignatureVersion: '2' },
        Message: JSON.stringify({ mail, receipt: { recipients: [address] }, content: 'From: grace@example.org\r\n\r\nYes' }),
        ...{ Signature: Buffer.from('forged').toString('base64'), SigningCertURL: 'https://sns.example.org/cert.pem', ...more },
      });
    const headers = { 'content-type': 'text/plain; charset=UTF-8' };
    expect(await statusOf(call('ses', said({}), headers))).toBe(401);
    expect(await statusOf(call('ses', said({ TopicArn: `${TOPIC}s` }), headers))).toBe(401);
    const asked = { Type: 'SubscriptionConfirmation', Token: 't', SubscribeURL: gate.town.program.httpUrl };
    expect(await statusOf(call('ses', said(asked), headers))).toBe(401);
    expect(await statusOf(call('ses', '{}', headers))).toBe(400);
  });
});

describe('a webhook', () => {
  const bodyFor = (to: string, text: string): string => {
    const headers = { 'Message-ID': `<${randomUUID()}@example.org>`, 'Authentication-Results': vouched };
    return JSON.stringify({ from: 'grace@example.org', to, subject: 'Re: The fair', text, headers });
  };
  const signed = (body: string, timestamp: string): Record<string, string> => ({
    ...{ 'x-webhook-timestamp': timestamp },
    'x-webhook-signature': `sha256=${createHmac('sha256', 'webhook-secret').update(`${timestamp}.${body}`).digest('hex').toUpperCase()}`,
  });

  it('may sign the time with its body, and is believed for five minutes', async () => {
    const { roomId, address } = await gate.conversation();
    const body = bodyFor(address, 'In time.');
    const at = (ms: number): string => String(Date.now() + ms);
    expect(await statusOf(gate.post(body, signed(body, at(-310_000))))).toBe(401);
    expect(await statusOf(gate.post(body, { ...signed(body, at(0)), 'x-webhook-timestamp': at(1_000) }))).toBe(401);
    expect(await statusOf(gate.post(body, signed(body, at(-200_000))))).toBe(200);
    await gate.arrives(roomId, 'In time.');
  });

  it('is told to come back while the log is away, as are mail servers, and nothing is lost or there twice', async () => {
    const { roomId, address } = await gate.conversation();
    const body = bodyFor(address, 'When the log is back.');
    const letter = { to: address, text: 'By SMTP when it is back.', messageId: `<${randomUUID()}@example.org>`, date: new Date(0) };
    const url = new URL(gate.town.program.databaseUrl);
    const name = url.pathname.slice(1);
    url.pathname = '/postgres';
    const database = new pg.Client({ connectionString: url.href });
    await database.connect();
    try {
      await database.query(`alter database "${name}" allow_connections false`);
      await database.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
      const [away, refused] = await Promise.all([gate.post(body), gate.answerTo(letter)]);
      expect([away.status, away.headers.get('retry-after')]).toEqual([503, expect.stringMatching(/^\d+$/)]);
      expect(refused).toMatch(/ 4\d\d[ -]/);
    } finally {
      await database.query(`alter database "${name}" allow_connections true`);
      await database.end();
    }
    await vi.waitFor(async () => expect(await statusOf(fetch(`${gate.town.program.httpUrl}/ready`))).toBe(200), soon);
    expect(await statusOf(gate.post(body))).toBe(200);
    expect(await gate.deliver(letter)).toMatch(/^250/);
    await gate.arrives(roomId, 'When the log is back.', 'By SMTP when it is back.');
    await vi.waitFor(async () => expect(await gate.mappings(roomId)).toHaveLength(2), soon);
  });
});

describe('a stranger, where strangers may post', () => {
  it('is a person of their own, called unverified, and held while nothing proves who they are', async () => {
    const { roomId, grace, address } = await gate.conversation();
    const from = 'Grace Hopper <mallory@example.org>';
    await gate.deliver({ to: address, from, text: 'I found this address.' });
    await gate.arrives(roomId, 'I found this address.');
    const [shown] = await gate.timeline(roomId);
    const { alice } = gate.town.as;
    expect([grace, alice.id]).not.toContain(shown?.senderId);
    const { user } = await alice.ask<{ user: { displayName: string } }>('GET', `/api/users/${shown?.senderId}`);
    expect(user.displayName).toBe('mallory@example.org (unverified)');
    await gate.deliver({ to: address, from, text: 'And who is this?' }, false);
    await vi.waitFor(async () => expect(await gate.held(roomId)).toMatchObject([{ reason: 'unauthenticated', userId: null }]), soon);
    expect(await gate.texts(roomId)).toEqual(['I found this address.']);
  });
});

describe('a mail thread', () => {
  it('is a conversation like a room: what is matched to it is filed there, once, and shown to who sees it alone', async () => {
    const { alice, bob } = gate.town.as;
    const first = await gate.town.send('alice', { to: 'alice@tidings.test', subject: 'Offer', text: 'May I make you an offer?' });
    const thread = first.threadId as string as ConversationId;
    const inThread = async (): Promise<readonly Email[]> =>
      (await alice.ask<MailPage<Email>>('GET', `/api/threads/${thread}/messages?mailboxId=${first.mailboxId}`)).content;
    const holds = (count: number): Promise<void> => vi.waitFor(async () => expect(await inThread()).toHaveLength(count), soon);

    const answer = { to: seedAddress(thread), subject: 'Quite another subject', messageId: `<${thread}@example.org>`, date: new Date(0) };
    await gate.deliver({ ...answer, text: 'By its token.' });
    await gate.deliver({ ...answer, text: 'By its token.' });
    await holds(2);
    await vi.waitFor(async () => expect(await gate.mappings(thread)).toHaveLength(1), soon);
    expect(await gate.mappings(thread)).toMatchObject([
      ...[{ threadId: thread, strategy: 'token', emailMessageId: answer.messageId, senderEmail: 'grace@example.org', messageId: null }],
    ]);
    expect(await bob.ask('GET', `/gateway/mappings?threadId=${thread}`)).toEqual([]);

    await gate.deliver({ to: `hello@${INBOX}`, subject: 'No token', text: 'By what it answers.', inReplyTo: answer.messageId });
    await holds(3);
    await gate.deliver({ to: `hello@${INBOX}`, subject: 'No token', text: 'By nothing at all.', inReplyTo: answer.messageId }, false);
    const [waiting] = await vi.waitFor(async () => {
      const found = await gate.held(thread);
      expect(found).toMatchObject([{ threadId: thread, reason: 'unauthenticated', preview: 'By nothing at all.' }]);
      return found;
    }, soon);
    expect(await gate.held(thread, 'bob')).toEqual([]);
    await alice.ask('POST', `/gateway/held/${waiting?.mailId}/confirm`);
    await holds(4);
    expect((await gate.mappings(thread)).map(({ strategy }) => strategy)).toEqual(['token', 'in-reply-to', 'in-reply-to']);

    expect(await gate.answerTo({ to: seedAddress(thread, Date.now() - 86_400_000 - 60_000), text: 'Late.' })).toMatch(/550 5\.1\.1/);
  });
});

describe('who writes by mail alone', () => {
  it('has what they wrote in their export; once erased, nothing tells where they wrote from, and their address is good no more', async () => {
    const { town } = gate;
    const { roomId, grace, address } = await gate.conversation('hopper@example.org');
    await gate.deliver({ to: address, from: 'hopper@example.org', text: 'By mail.', messageId: `<${roomId}@example.org>` });
    await gate.arrives(roomId, 'By mail.');
    const [mapped] = await vi.waitFor(async () => {
      const found = await gate.mappings(roomId);
      expect(found).toMatchObject([{ senderEmail: 'hopper@example.org', emailMessageId: `<${roomId}@example.org>` }]);
      return found;
    }, soon);
    const exported = await (await town.admin.call('GET', `/api/admin/users/${grace}/export`)).text();
    const facts = exported
      .split('\n')
      .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as { event?: string; senderEmail?: string }]));
    expect(facts.map(({ event }) => event)).toEqual(
      expect.arrayContaining(['ReplyAddressIssued', 'GatewayMailReceived', 'MailMapped', 'GatewayMailSettled', 'MessageSent']),
    );
    expect(facts.find(({ event }) => event === 'MailMapped')?.senderEmail).toBe('hopper@example.org');

    expect(await town.admin.status('DELETE', `/api/admin/users/${grace}`)).toBe(200);
    await vi.waitFor(async () => expect(await gate.mappings(roomId)).toMatchObject([{ senderEmail: null, emailMessageId: null }]), soon);
    expect(await town.as.alice.refused('GET', `/gateway/mails/${mapped?.mailId}/raw`)).toEqual(missing);
    await vi.waitFor(async () => expect(await gate.answerTo({ to: address, text: 'Still here.' })).toMatch(/550 5\.1\.1/), soon);
  });
});

describe('a mail for a room and for a mailbox of a member', () => {
  it('is read in the one as it is read in the other, whichever comes first', async () => {
    const { alice } = gate.town.as;
    const { roomId, address } = await gate.conversation();
    const subject = `Both ${roomId}`;
    const mailboxId = (await alice.ask<Me>('GET', '/api/me')).mailboxes.find(({ address: own }) => own === 'alice@tidings.test')?.id ?? '';
    const thread = (check: (one: Thread) => boolean): Promise<Thread> =>
      vi.waitFor(async () => {
        const { content } = await alice.ask<MailPage<Thread>>('GET', `/api/mailboxes/${mailboxId}/threads?view=inbox`);
        const found = content.find((one) => one.subject === subject && check(one));
        if (found === undefined) throw new Error('there is no such thread');
        return found;
      }, soon);
    const unread = async (): Promise<number> => (await alice.ask<{ unreadCount: number }>('GET', `/api/rooms/${roomId}`)).unreadCount;
    const both = { to: [address, 'alice@tidings.test'], subject };

    await gate.deliver({ ...both, text: 'Read in the room.', messageId: `<1.${roomId}@example.org>` });
    await gate.arrives(roomId, 'Read in the room.');
    await thread((one) => one.unread);
    await alice.ask('POST', `/api/rooms/${roomId}/mark-read`);
    await thread((one) => !one.unread);

    await gate.deliver({ ...both, text: 'Read by mail.', messageId: `<2.${roomId}@example.org>`, inReplyTo: `<1.${roomId}@example.org>` });
    await gate.arrives(roomId, 'Read in the room.', 'Read by mail.');
    const { id } = await thread((one) => one.unread && one.messageCount === 2);
    expect(await unread()).toBe(1);
    const { content } = await alice.ask<MailPage<Email>>('GET', `/api/threads/${id}/messages?mailboxId=${mailboxId}`);
    await alice.ask('PUT', `/api/threads/${id}/read`, { mailboxId, upTo: content.at(-1)?.id });
    await vi.waitFor(async () => expect(await unread()).toBe(0), soon);
  });
});

it('there is nothing to fetch from outside of IMAP mode, and no conversation whose id is none', async () => {
  expect(await gate.town.as.alice.refused('POST', '/gateway/sync')).toEqual(conflict);
  expect(await gate.town.as.alice.refused('GET', '/gateway/mappings')).toEqual(invalid('threadId'));
  expect(await gate.town.as.alice.ask('GET', `/gateway/mappings?threadId=${randomUUID()}`)).toEqual([]);
  for (const path of ['/gateway/stats', `/gateway/mappings?threadId=${randomUUID()}`])
    expect(await statusOf(fetch(`${gate.town.program.httpUrl}${path}`)), path).toBe(401);
});

describe('too many calls', () => {
  const count = async (ask: () => Promise<Response>, most: number): Promise<Response> => {
    for (let n = 0; n < most; n += 1) {
      const response = await ask();
      if (response.status === 429) return response;
      await response.arrayBuffer();
    }
    throw new Error(`${most} calls were taken`);
  };

  it('with a wrong signature are refused with 429, by address; of who may call, as of one back end, and what was taken stays', async () => {
    const { roomId, address } = await gate.conversation();
    const body = JSON.stringify({ from: 'grace@example.org', to: address, text: 'Taken.', headers: { 'Authentication-Results': vouched } });
    const refused = await count(() => gate.post(body), TAKEN + 1);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    await gate.arrives(roomId, 'Taken.');
    const forged = await count(() => gate.post(body, { 'x-webhook-signature': 'wrong' }), REFUSED + 1);
    expect(Number(forged.headers.get('retry-after'))).toBeGreaterThan(0);
  });
});
