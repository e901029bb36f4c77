/** What the program knows of a mail besides its words: who sent it, and what a webhook says before it is filed. */
import { generateKeyPairSync } from 'node:crypto';
import type { Email, Me, Thread } from '@tidings/contracts/http/mail-objects';
import type { Problem } from '@tidings/contracts/http/problem';
import type { Webhook } from '@tidings/contracts/http/webhooks';
import { isSignedBy } from '@tidings/infra/webhooks/signature';
import { dkimSign } from 'mailauth';
import { createTransport } from 'nodemailer';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startDns, type DnsServer } from '../kit/dns.ts';
import { startProgram, type Program } from '../kit/program.ts';
import { startReceiver, type Receiver } from '../kit/receiver.ts';

const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const key = keys.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
let dns: DnsServer;
let receiver: Receiver;
let program: Program;
beforeAll(async () => {
  [dns, receiver] = await Promise.all([
    startDns({ 'one._domainkey.town.example TXT': `v=DKIM1; k=rsa; p=${key}`, '_dmarc.town.example TXT': 'v=DMARC1; p=reject' }),
    startReceiver(),
  ]);
  const env = { DNS_SERVERS: dns.address, WEBHOOK_ALLOW_PRIVATE: 'on', MAIL_CHECK_RETRY_FIRST_MS: '100', LOG_LEVEL: 'error' };
  program = await startProgram({ env });
}, 120_000);
afterAll(async () => {
  await program.stop();
  await Promise.all([dns.close(), receiver.close()]);
});

const call = async (path: string, user = 'alice', init: RequestInit = {}): Promise<Response> =>
  fetch(`${program.httpUrl}${path}`, {
    ...init,
    headers: { authorization: `Bearer ${await program.token(user)}`, 'content-type': 'application/json' },
  });
const ask = async <A>(path: string, user?: string): Promise<A> => (await (await call(path, user)).json()) as A; // the contract of the route

const send = async (raw: string, to = 'alice@tidings.test'): Promise<string> => {
  const transport = createTransport({ host: '127.0.0.1', port: program.smtpPort, secure: false, tls: { rejectUnauthorized: false } });
  const { response } = await transport.sendMail({ envelope: { from: 'ada@town.example', to }, raw });
  transport.close();
  return /queued as ([0-9a-f-]{36})/.exec(response)?.[1] ?? '';
};
const shown = async (id: string): Promise<Email> => {
  await vi.waitUntil(async () => (await call(`/api/emails/${id}`)).status === 200, { timeout: 20_000, interval: 25 });
  return ask<Email>(`/api/emails/${id}`);
};
const mail = (subject: string, ...more: readonly string[]): string =>
  [
    ...more,
    'From: Ada <ada@town.example>',
    'To: alice@tidings.test',
    `Subject: ${subject}`,
    'Date: Fri, 20 Nov 2026 10:00:00 +0100',
    `Message-ID: <${subject}@town.example>`,
    '',
    'As agreed.',
    '',
  ].join('\r\n');
const signed = async (raw: string): Promise<string> => {
  const privateKey = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const by = { signingDomain: 'town.example', selector: 'one', privateKey, canonicalization: 'relaxed/relaxed' };
  return (await dkimSign(raw, { ...by, signatureData: [by] })).signatures + raw;
};

describe('who sent a mail', () => {
  it('is shown: signed, unsigned, changed on its way, or claimed by the sender', async () => {
    const good = await signed(mail('signed'));
    expect((await shown(await send(good))).authentication).toEqual({
      spf: 'none',
      dkim: 'pass',
      dmarc: 'pass',
      arc: 'none',
      verdict: 'pass',
    });
    expect((await shown(await send((await signed(mail('changed'))).replace('As agreed', 'As I say')))).authentication).toMatchObject({
      dkim: 'fail',
      dmarc: 'fail',
      verdict: 'none', // the peer is in our own network, so SPF could not speak for the author
    });
    const claimed = mail('claimed', 'Authentication-Results: tidings; dkim=pass; dmarc=pass header.from=town.example');
    expect((await shown(await send(claimed))).authentication).toEqual({
      spf: 'none',
      dkim: 'none',
      dmarc: 'none',
      arc: 'none',
      verdict: 'none',
    });
    expect(dns.asked).toContain('one._domainkey.town.example TXT');
  });
});

describe('a mail with the Message-ID of another one', () => {
  it('is marked when it says something else, and filed once when it does not', async () => {
    const first = await shown(await send(mail('reused')));
    const again = await send(mail('reused'));
    const other = await shown(await send(mail('reused').replace('As agreed', 'As never agreed')));
    expect([first, other].map(({ messageId, messageIdReused }) => [messageId, messageIdReused])).toEqual([
      ['reused@town.example', false],
      ['reused@town.example', true],
    ]);
    expect((await call(`/api/emails/${again}`)).status).toBe(404); // it came before the one that is there
  });
});

describe('a webhook that is asked first', () => {
  const secret = 'a secret of sixteen and more';
  let hook: string;
  let mailbox: string;
  beforeAll(async () => {
    const body = JSON.stringify({ url: receiver.url('/inbound'), events: ['mail.inbound'], secret });
    const registered = await call('/api/admin/webhooks', 'service', { method: 'POST', body });
    hook = ((await registered.json()) as { id: string }).id;
    mailbox = (await ask<{ mailboxes: readonly { id: string }[] }>('/api/me')).mailboxes[0]?.id ?? '';
    // Filing may know of it a second later only.
    for (let n = 0; receiver.at('/inbound').length === 0; n += 1) await shown(await send(mail(`first ${n}`)));
  }, 60_000);
  afterAll(() => call(`/api/admin/webhooks/${hook}`, 'service', { method: 'DELETE' }));

  it('knows the mail, by a signed call', async () => {
    const id = await send(mail('asked'));
    await shown(id);
    const got = receiver.at('/inbound').at(-1);
    const body = JSON.parse(got?.body.toString() ?? '') as { readonly type: string; readonly data: Readonly<Record<string, unknown>> };
    expect(body).toMatchObject({
      type: 'mail.inbound',
      data: {
        emailId: id,
        mailboxId: mailbox,
        envelope: { mailFrom: 'ada@town.example', rcptTo: ['alice@tidings.test'] },
        email: { subject: 'asked', from: [{ name: 'Ada', email: 'ada@town.example' }] },
        authentication: { verdict: 'none' },
        spam: { verdict: 'none' },
      },
    });
    expect(Buffer.from(String(body.data['raw']), 'base64').toString()).toContain('Subject: asked');
    const { 'tidings-timestamp': at, 'tidings-signature': signature } = got?.headers ?? {};
    expect(isSignedBy(secret, String(at), got?.body.toString() ?? '', String(signature))).toBe(true);
  });

  it('sends mail to spam, drops it only by saying so, and holds its mail while it is away', async () => {
    const subjectOf = (body: Buffer): string =>
      (JSON.parse(body.toString()) as { data: { email: { subject: string } } }).data.email.subject;
    let up = false;
    receiver.answer('/inbound', ({ body }) => {
      const subject = subjectOf(body);
      if (subject === 'unwanted') return { action: 'drop' };
      if (subject === 'bargain') return { isSpam: true };
      return subject === 'held' && !up ? 503 : { action: 'whatever' };
    });
    const dropped = await send(mail('unwanted'));
    const held = await send(mail('held'));
    const bargain = await shown(await send(mail('bargain')));
    expect(bargain.spam.verdict).toBe('spam');
    const thread = `/api/threads/${bargain.threadId}`; // another read model than the email's
    await vi.waitUntil(async () => (await call(thread)).status === 200, { timeout: 20_000, interval: 25 });
    expect((await ask<Thread>(thread)).spam).toBe(true);
    await shown(await send(mail('other')));
    expect((await call(`/api/emails/${held}`)).status).toBe(404);
    const pending = await ask<{ content: readonly { emailId: string; step: string; reason: string }[] }>(
      '/api/admin/pending-mail',
      'service',
    );
    expect(pending.content).toMatchObject([{ emailId: held, step: 'webhook', reason: `${receiver.url('')} answered 503` }]);
    expect((await call('/api/admin/pending-mail')).status).toBe(403);
    up = true;
    expect((await shown(held)).subject).toBe('held');
    expect(await ask('/api/admin/pending-mail', 'service')).toEqual({ total: 0, content: [] });
    expect((await call(`/api/emails/${dropped}`)).status).toBe(404);
  });
});

describe('a webhook of one mailbox', () => {
  it('is asked and told about its mail alone, and what it wants done is done', async () => {
    const me = await ask<Me>('/api/me');
    const mailbox = me.mailboxes[0]?.id ?? '';
    const path = `/api/mailboxes/${mailbox}/webhooks`;
    const asked = { url: receiver.url('/rules'), events: ['mail.inbound', 'EmailReceived'] };
    const register = (who: string, body: object = asked) => call(path, who, { method: 'POST', body: JSON.stringify(body) });
    expect((await register('bob')).status).toBe(404);
    const refused = await register('alice', { ...asked, events: ['NewRoom'] });
    expect([refused.status, ((await refused.json()) as Problem).errors?.map((error) => error.path)]).toEqual([400, ['events']]);
    const { id, mailboxId } = (await (await register('alice')).json()) as Webhook;
    expect(mailboxId).toBe(mailbox);
    expect(await ask<{ content: readonly Webhook[] }>(path)).toMatchObject({ content: [{ id, mailboxId, url: asked.url }] });

    const told = (): readonly { readonly type: string; readonly data: { readonly mailboxId?: string } }[] =>
      receiver.at('/rules').map(({ body }) => JSON.parse(body.toString()) as ReturnType<typeof told>[number]);
    const isAsked = (): boolean => told().some(({ type }) => type === 'mail.inbound');
    // Filing may know of it a second later only.
    for (let n = 0; !isAsked(); n += 1) await shown(await send(mail(`before ${n}`)));
    const marks = { markRead: true, markStarred: true, markArchived: true };
    receiver.answer('/rules', () => ({ addLabels: ['Bills/Water'], assignTo: [me.user.id], ...marks }));
    await call('/api/me', 'bob'); // has a mailbox from now on
    await send(mail('for bob'), 'bob@tidings.test');
    const { threadId } = await shown(await send(mail('a bill')));
    await vi.waitFor(
      async () => {
        const thread = await ask<Thread>(`/api/threads/${threadId}`);
        expect(thread).toMatchObject({ archived: true, starred: true, unread: false, assignees: [me.user.id] });
        expect(thread.labels).toHaveLength(1);
      },
      { timeout: 20_000, interval: 50 },
    );
    await vi.waitUntil(() => told().some(({ type }) => type === 'EmailReceived'), { timeout: 20_000, interval: 25 });
    expect(new Set(told().flatMap(({ data }) => data.mailboxId ?? []))).toEqual(new Set([mailbox]));

    // What nobody can understand holds the mail, and says why.
    receiver.answer('/rules', () => ({ addLabels: 'Bills' }));
    const held = await send(mail('held by rules'));
    const pending = () => ask<{ content: readonly { emailId: string; reason: string }[] }>('/api/admin/pending-mail', 'service');
    await vi.waitUntil(async () => (await pending()).content.length === 1, { timeout: 20_000, interval: 25 });
    expect((await pending()).content).toMatchObject([{ emailId: held, reason: expect.stringContaining('addLabels must be a list') }]);
    expect((await call(`${path}/${id}`, 'alice', { method: 'DELETE' })).status).toBe(200);
    expect((await shown(held)).subject).toBe('held by rules');
    expect(await ask(path)).toEqual({ content: [] });
  }, 90_000);
});
