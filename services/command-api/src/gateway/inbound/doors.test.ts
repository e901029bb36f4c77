import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { createServer, globalAgent, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { simpleParser } from 'mailparser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiError } from '../../../../http-kit/src/errors.ts';
import type { Delivery } from './delivery.ts';
import type { Door, InboundRequest } from './door.ts';
import { selfSigned } from '../../../../smtp-ingress/src/certificate.ts';
import { mailgunDoor } from './mailgun.ts';
import { postmarkDoor } from './postmark.ts';
import { seedDoor } from './seed.ts';
import { sendgridDoor } from './sendgrid.ts';
import { sesDoor } from './ses.ts';

const NOW = Date.UTC(2026, 0, 1);
const request = (
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = {},
  contentType = 'application/json',
): InboundRequest => ({
  ...{ body: Buffer.from(body), contentType, now: NOW },
  header: (name) => headers[name] ?? null,
});
const statusOf = async (work: () => unknown): Promise<number> => {
  try {
    await work();
    return 200;
  } catch (error) {
    if (error instanceof ApiError) return error.status;
    throw error;
  }
};
const read = async (door: Door, asked: InboundRequest): Promise<Delivery> => {
  await door.authenticate(asked);
  const delivery = await door.read(asked);
  if (delivery === null) throw new Error('no mail');
  return delivery;
};
const hex = (secret: string, data: string): string => createHmac('sha256', secret).update(data).digest('hex');
/** A form with boundaries, as bytes and content type. */
const formOf = async (fields: Readonly<Record<string, string | Blob>>): Promise<readonly [Buffer, string]> => {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  const made = new Response(form);
  return [Buffer.from(await made.arrayBuffer()), made.headers.get('content-type') ?? ''];
};

describe("the seed's door", () => {
  const door = seedDoor(['now', 'before']);
  const mail = {
    ...{ from: 'Grace <grace@example.org>', to: 'reply+x@inbox.tidings.test, other@tidings.test', subject: 'Re: Fair' },
    ...{
      text: 'Yes',
      html: '<p>Yes</p>',
      attachments: [{ filename: 'a.txt', content: Buffer.from('a file').toString('base64'), contentType: 'text/plain' }],
    },
    headers: {
      'Message-ID': '<1@example.org>',
      'In-Reply-To': '<0@tidings.test>',
      'Authentication-Results': 'mx; dmarc=pass header.from=example.org',
    },
  };
  const body = JSON.stringify(mail);

  it('takes a signature of any case, with or without its name, of either secret, and no other', async () => {
    for (const signature of [hex('now', body), `sha256=${hex('now', body).toUpperCase()}`, hex('before', body)])
      expect(await statusOf(() => door.authenticate(request(body, { 'x-webhook-signature': signature })))).toBe(200);
    for (const signature of ['', 'x', hex('other', body), hex('now', `${body} `), hex('now', body).slice(2)])
      expect(await statusOf(() => door.authenticate(request(body, { 'x-webhook-signature': signature })))).toBe(401);
  });

  it('with a timestamp takes it for five minutes', async () => {
    const at = (ms: number, signedAt = ms) => {
      const timestamp = String(NOW + ms);
      return request(body, { 'x-webhook-timestamp': timestamp, 'x-webhook-signature': hex('now', `${NOW + signedAt}.${body}`) });
    };
    expect(
      await Promise.all(
        [at(0), at(-300_000), at(300_000), at(-300_001), at(300_001), at(0, 1)].map((one) => statusOf(() => door.authenticate(one))),
      ),
    ).toEqual([...[200, 200, 200, 401, 401, 401]]);
  });

  it('makes of it the mail that it was', async () => {
    const delivery = await read(door, request(body, { 'x-webhook-signature': hex('now', body) }));
    expect(delivery).toMatchObject({
      mailFrom: 'grace@example.org',
      rcptTo: ['reply+x@inbox.tidings.test', 'other@tidings.test'],
      said: { verdict: 'pass' },
    });
    const parsed = await simpleParser(delivery.raw);
    expect([parsed.messageId, parsed.inReplyTo, parsed.subject, parsed.text?.trim(), parsed.attachments[0]?.content.toString()]).toEqual([
      ...['<1@example.org>', '<0@tidings.test>', 'Re: Fair', 'Yes', 'a file'],
    ]);
  });

  it('makes the same bytes of the same call, but for boundaries, and believes nothing where nothing is passed on', async () => {
    const bare = JSON.stringify({ from: 'a@example.org', to: 'b@tidings.test', text: 'x' });
    const made = await Promise.all([1, 2].map(() => read(door, request(bare, { 'x-webhook-signature': hex('now', bare) }))));
    expect(made[0]?.raw).toEqual(made[1]?.raw);
    expect(made[0]?.said?.verdict).toBe('none');
    expect(made[0]?.raw.toString()).not.toMatch(/message-id/i);
  });

  it('says what is wrong with the rest', async () => {
    const wrong = [
      '{',
      '[]',
      '{"from":"a@b.test"}',
      JSON.stringify({ ...mail, attachments: [{ content: '§§' }] }),
      JSON.stringify({ ...mail, from: 'nobody' }),
    ];
    for (const text of wrong) expect(await statusOf(() => door.read(request(text))), text).toBe(400);
  });

  it('lets no header break out of its line', async () => {
    const smuggled = JSON.stringify({ ...mail, headers: { 'X-A': 'b\r\nBcc: c@d.test\r\n\r\nbody', 'Message-ID': '<1@x>\r\nX-B: c' } });
    const { raw } = await read(door, request(smuggled, { 'x-webhook-signature': hex('now', smuggled) }));
    const { headers } = await simpleParser(raw);
    expect([headers.has('bcc'), headers.has('x-b')]).toEqual([false, false]);
  });
});

describe("Postmark's door", () => {
  const door = postmarkDoor('user:pass:word');
  const body = JSON.stringify({
    ...{
      From: 'Grace <grace@example.org>',
      To: 'x@y.test',
      OriginalRecipient: 'reply+x@inbox.tidings.test',
      Subject: 'Re',
      TextBody: 'Yes',
      MessageID: 'p',
    },
    Headers: [
      { Name: 'Message-ID', Value: '<1@example.org>' },
      { Name: 'Received-SPF', Value: 'Pass (x) client-ip=1.2.3.4' },
    ],
    Attachments: [{ Name: 'a.txt', Content: 'YQ==', ContentType: 'text/plain' }],
  });
  const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });

  it('asks for its user name and password', async () => {
    expect(await statusOf(() => door.authenticate(request(body, basic('user:pass:word'))))).toBe(200);
    for (const headers of [{}, basic('user:pass'), { authorization: 'Bearer x' }])
      expect(await statusOf(() => door.authenticate(request(body, headers)))).toBe(401);
    expect(door.stop).toBe(403);
  });

  it('reads its JSON', async () => {
    const delivery = await read(door, request(body, basic('user:pass:word')));
    expect(delivery).toMatchObject({
      mailFrom: 'grace@example.org',
      rcptTo: ['reply+x@inbox.tidings.test'],
      said: { spf: 'pass', verdict: 'pass' },
    });
    expect((await simpleParser(delivery.raw)).attachments).toHaveLength(1);
  });
});

describe("Mailgun's door", () => {
  const signed = (token: string, at = NOW / 1000) => ({ timestamp: String(at), token, signature: hex('key', `${at}${token}`) });
  const mail = {
    ...{
      recipient: 'reply+x@inbox.tidings.test',
      sender: 'grace@example.org',
      from: 'Grace <grace@example.org>',
      subject: 'Re',
      'body-plain': 'Yes',
    },
    'message-headers': JSON.stringify([
      ['Message-Id', '<1@example.org>'],
      ['X-Mailgun-Spf', 'Pass'],
      ['To', 'x@y.test'],
    ]),
  };

  it('takes a token for one mail, again and again, and for no other', async () => {
    const door = mailgunDoor('key');
    const status = async (fields: Readonly<Record<string, string>>) => {
      const [body, type] = await formOf(fields);
      return statusOf(() => door.authenticate(request(body, {}, type)));
    };
    expect(await status({ ...mail, ...signed('one') })).toBe(200);
    expect(await status({ ...mail, ...signed('one') })).toBe(200);
    expect(await status({ ...mail, ...signed('one'), 'body-plain': 'No' })).toBe(401);
    expect(await status({ ...mail, ...signed('two'), signature: hex('other', 'x') })).toBe(401);
    expect(await status({ ...mail, ...signed('three', NOW / 1000 - 13 * 3600) })).toBe(401);
    expect(await status(mail)).toBe(401);
  });

  it('reads forms of either kind, and whole mails', async () => {
    const door = mailgunDoor('key');
    const urlencoded = new URLSearchParams({ ...mail, ...signed('a') }).toString();
    const delivery = await read(door, request(urlencoded, {}, 'application/x-www-form-urlencoded'));
    expect(delivery).toMatchObject({ mailFrom: 'grace@example.org', rcptTo: ['reply+x@inbox.tidings.test'], said: { verdict: 'pass' } });
    const [body, type] = await formOf({ ...mail, ...signed('b'), 'attachment-1': new File(['a file'], 'a.txt', { type: 'text/plain' }) });
    expect((await simpleParser((await read(door, request(body, {}, type))).raw)).attachments[0]?.filename).toBe('a.txt');
    const [whole, wholeType] = await formOf({ ...mail, ...signed('c'), 'body-mime': 'From: a@b.test\r\n\r\nx' });
    expect(await read(door, request(whole, {}, wholeType))).toMatchObject({ raw: Buffer.from('From: a@b.test\r\n\r\nx'), said: null });
  });
});

describe("SendGrid's door", () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const door = sendgridDoor(publicKey.export({ format: 'der', type: 'spki' }).toString('base64'));
  const headersFor = (body: Buffer, at = NOW / 1000) => ({
    'x-twilio-email-event-webhook-timestamp': String(at),
    'x-twilio-email-event-webhook-signature': sign('sha256', Buffer.concat([Buffer.from(String(at)), body]), privateKey).toString('base64'),
  });
  const mail = {
    ...{
      from: 'Grace <grace@example.org>',
      to: 'x@y.test',
      subject: 'Re',
      text: 'Yes',
      SPF: 'pass',
      headers: 'Message-ID: <1@example.org>\nX-Long: a\n b',
    },
    envelope: JSON.stringify({ to: ['reply+x@inbox.tidings.test'], from: 'grace@example.org' }),
  };

  it('takes what is signed over timestamp and body, for five minutes', async () => {
    const [body, type] = await formOf(mail);
    const status = (headers: Readonly<Record<string, string>>, sent = body) =>
      statusOf(() => door.authenticate(request(sent, headers, type)));
    expect(await status(headersFor(body))).toBe(200);
    expect(await status(headersFor(body, NOW / 1000 - 301))).toBe(401);
    expect(await status({ ...headersFor(body), 'x-twilio-email-event-webhook-timestamp': String(NOW / 1000 + 1) })).toBe(401);
    expect(await status(headersFor(body), Buffer.concat([body, Buffer.from(' ')]))).toBe(401);
    expect(await status({})).toBe(401);
  });

  it('reads its form, by parts or whole', async () => {
    const [body, type] = await formOf(mail);
    const delivery = await read(door, request(body, headersFor(body), type));
    expect(delivery).toMatchObject({ mailFrom: 'grace@example.org', rcptTo: ['reply+x@inbox.tidings.test'], said: { verdict: 'pass' } });
    expect((await simpleParser(delivery.raw)).messageId).toBe('<1@example.org>');
    const [whole, wholeType] = await formOf({ ...mail, SPF: 'fail', email: 'From: a@b.test\r\n\r\nx' });
    expect(await read(door, request(whole, headersFor(whole), wholeType))).toMatchObject({
      raw: Buffer.from('From: a@b.test\r\n\r\nx'),
      said: null,
    });
  });
});

describe("Amazon's door", () => {
  const topic = 'arn:aws:sns:eu-west-1:123456789012:mail';
  let amazon: Server;
  let certificate: { readonly key: string; readonly cert: string };
  let base: string;
  const confirmed: string[] = [];
  beforeAll(async () => {
    certificate = selfSigned('localhost', Date.now());
    amazon = createServer({ key: certificate.key, cert: certificate.cert }, (asked, answer) => {
      confirmed.push(asked.url ?? '');
      answer.end(certificate.cert);
    });
    await new Promise<void>((resolve) => amazon.listen(0, 'localhost', resolve));
    base = `https://localhost:${(amazon.address() as AddressInfo).port}`;
    globalAgent.options.ca = certificate.cert;
  });
  afterAll(async () => {
    delete globalAgent.options.ca;
    amazon.closeAllConnections();
    await new Promise((resolve) => amazon.close(resolve));
  });

  const mail = {
    mail: { source: 'grace@example.org', destination: ['reply+x@inbox.tidings.test'] },
    receipt: {
      recipients: ['reply+x@inbox.tidings.test'],
      dmarcVerdict: { status: 'PASS' },
      spfVerdict: { status: 'PASS' },
      action: { encoding: 'BASE64' },
    },
    content: Buffer.from('From: grace@example.org\r\n\r\nYes').toString('base64'),
  };
  const notification = (more: Readonly<Record<string, string>> = {}): string => {
    const said: Record<string, string> = {
      ...{ Type: 'Notification', MessageId: 'm', TopicArn: topic, Message: JSON.stringify(mail), Timestamp: '2026-01-01T00:00:00.000Z' },
      ...{ SignatureVersion: '2', SigningCertURL: `${base}/cert.pem`, ...more },
    };
    const signed = ['Message', 'MessageId', 'Timestamp', 'TopicArn', 'Type'].map((name) => `${name}\n${said[name]}\n`).join('');
    return JSON.stringify({ ...said, Signature: sign('sha256', Buffer.from(signed), certificate.key).toString('base64') });
  };

  it('takes what is signed by a certificate of its host, from a topic of ours', async () => {
    const door = sesDoor({ topics: [topic], hosts: /^localhost:\d+$/ });
    expect(await statusOf(() => door.authenticate(request(notification())))).toBe(200);
    const changed = notification().replace('grace', 'mallo');
    expect(await statusOf(() => door.authenticate(request(changed)))).toBe(401);
    expect(await statusOf(() => sesDoor({ topics: [], hosts: /^localhost:\d+$/ }).authenticate(request(notification())))).toBe(401);
    // Amazon's own rule: a certificate from anywhere else counts for nothing, however good the signature.
    expect(await statusOf(() => sesDoor({ topics: [topic] }).authenticate(request(notification())))).toBe(401);
    expect(await statusOf(() => door.authenticate(request('{}')))).toBe(400);
  });

  it('reads the mail in it, and asks for one that is not', async () => {
    const door = sesDoor({ topics: [topic], hosts: /^localhost:\d+$/ });
    expect(await read(door, request(notification()))).toMatchObject({
      ...{ raw: Buffer.from('From: grace@example.org\r\n\r\nYes'), mailFrom: 'grace@example.org', rcptTo: ['reply+x@inbox.tidings.test'] },
      said: { verdict: 'pass', dmarc: 'pass' },
    });
    const { content: _content, ...without } = mail;
    expect(await statusOf(() => door.read(request(notification({ Message: JSON.stringify(without) }))))).toBe(400);
  });

  it('follows no address that is not at Amazon', async () => {
    const door = sesDoor({ topics: [topic] });
    const asked = notification({ Type: 'SubscriptionConfirmation', SubscribeURL: `${base}/confirm`, Token: 't' });
    expect(await statusOf(() => door.read(request(asked)))).toBe(401);
    expect(confirmed).not.toContain('/confirm');
  });
});
