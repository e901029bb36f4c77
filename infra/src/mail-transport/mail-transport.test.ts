import { createServer, type AddressInfo, connect } from 'node:net';
import type { DnsRecord } from '@tidings/contracts/ports/dns';
import type { MailTransport, OutgoingMail, Transmission } from '@tidings/contracts/ports/mail-transport';
import { afterEach, describe, expect, it } from 'vitest';
import { type Script, type Sink, startSink } from '../../../tests/kit/smtp-sink.ts';
import { selfSigned } from '../../../services/smtp-ingress/src/certificate.ts';
import { dnsOf, type Zone } from '../dns/zone.ts';
import { openMailTransport, type TransportOptions } from './open-transport.ts';
import { proxiesOf } from './proxies.ts';
import { relayOf } from './routes.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

/** A server at an address of its own; all of a test listen on the port of the first. */
const sinkAt = async (host: string, script: Script = {}, port?: number): Promise<Sink> => {
  const sink = await startSink(script, { host, ...(port === undefined ? {} : { port }) });
  ends.push(() => sink.close());
  return sink;
};

const mx = (...exchanges: readonly [number, string][]): readonly DnsRecord[] =>
  exchanges.map(([priority, exchange]) => ({ priority, exchange }));
/** A starved machine keeps to these, too. */
const LIMITS = { connectMs: 10_000, silenceMs: 10_000, mailMs: 30_000 };
/** For servers that never go on. */
const HASTY = { connectMs: 400, silenceMs: 700, mailMs: 1_500 };

const transport = (port: number, zone: Zone, more: Partial<TransportOptions> = {}): MailTransport => {
  const opened = openMailTransport({
    ...{ dns: dnsOf(zone), name: 'mail.tidings.test', routes: () => null, mayCall: () => true, port, limits: LIMITS },
    ...more,
  });
  ends.push(() => opened.close());
  return opened;
};

const TEXT = 'From: ada@tidings.test\r\nSubject: Dots\r\n\r\n.one\r\n..two\r\n';
const mailTo = (...recipients: readonly string[]): OutgoingMail => ({
  from: 'bounce@tidings.test',
  recipients,
  size: TEXT.length,
  eightBit: false,
  utf8Header: false,
  envelopeId: 'email-1',
  bytes: async function* () {
    yield Buffer.from(TEXT.slice(0, 10));
    yield Buffer.from(TEXT.slice(10));
  },
});
const yes = async (): Promise<boolean> => true;
const bob = 'bob@example.org';
const one: Zone = { 'example.org MX': mx([10, 'mx.example.org']), 'mx.example.org A': ['127.0.0.1'] };
const send = async (way: MailTransport, mail: OutgoingMail = mailTo(bob), begin = yes) => Object.fromEntries(await way.send(mail, begin));
const sendOne = async (way: MailTransport, begin = yes): Promise<Transmission | undefined> => (await way.send(mailTo(bob), begin)).get(bob);

describe('a mail', () => {
  it('arrives byte for byte, with its return path and what the server needs to know', async () => {
    const sink = await sinkAt('127.0.0.1');
    const told: unknown[] = [];
    const result = await sendOne(transport(sink.port, one), async (...asked: unknown[]) => told.push(structuredClone(asked)) > 0);
    expect(result).toEqual({ type: 'delivered', host: 'mx.example.org', tls: null, reply: '250 2.0.0 taken' });
    expect(told).toEqual([['mx.example.org', [bob]]]);
    expect(sink.mails).toMatchObject([{ from: 'bounce@tidings.test', to: [bob], data: TEXT }]);
    expect(sink.mails[0]?.parameters).toBe(`SIZE=${TEXT.length} RET=HDRS ENVID=email-1`);
    expect(sink.lines[0]).toBe('EHLO mail.tidings.test');
    expect(sink.lines).toContain(`RCPT TO:<${bob}> ORCPT=rfc822\\;${bob}`.replace('\\;', ';'));
  });

  it('goes over a connection that is kept for the next', async () => {
    const sink = await sinkAt('127.0.0.1');
    const way = transport(sink.port, one);
    for (let n = 0; n < 5; n += 1) expect(await sendOne(way)).toMatchObject({ type: 'delivered' });
    expect(sink.mails).toHaveLength(5);
    expect(sink.sessions()).toBe(1);
  });

  it('goes over a new connection when the kept one has died meanwhile', async () => {
    const sink = await sinkAt('127.0.0.1');
    const way = transport(sink.port, one);
    await sendOne(way);
    sink.play({ onMail: (_, session) => (session === 1 ? 'drop' : undefined) });
    expect(await sendOne(way)).toMatchObject({ type: 'delivered' });
    sink.play({ onMail: (_, session) => (session === 2 ? '421 4.7.0 too much mail from you' : undefined) });
    expect(await sendOne(way)).toMatchObject({ type: 'delivered' });
    expect(sink.sessions()).toBe(3);
  });

  it('has no byte sent before whoever keeps the record agrees, and none when they do not', async () => {
    const sink = await sinkAt('127.0.0.1');
    const way = transport(sink.port, one);
    expect(await sendOne(way, async () => false)).toEqual({ type: 'withheld' });
    await expect(
      sendOne(way, async () => {
        throw new Error('the log is away');
      }),
    ).rejects.toThrow('the log is away');
    expect(sink.mails).toEqual([]);
    expect(await sendOne(way)).toMatchObject({ type: 'delivered' });
  });

  it('is told of per recipient, whatever the mix', async () => {
    const answers: Readonly<Record<string, string>> = {
      'no@example.org': '550 5.1.1 unknown',
      'later@example.org': '450 4.2.0 greylisted',
    };
    const sink = await sinkAt('127.0.0.1', { onRcpt: (to) => answers[to] });
    const told: string[] = [];
    const way = transport(sink.port, one);
    const results = await send(
      way,
      mailTo(bob, 'no@example.org', 'later@example.org', 'eve@example.org'),
      async (...[, accepted]: unknown[]) => told.push(String(accepted)) > 0,
    );
    expect(results).toMatchObject({
      [bob]: { type: 'delivered' },
      'no@example.org': { type: 'refused', later: false, reply: '550 5.1.1 unknown' },
      'later@example.org': { type: 'refused', later: true, reply: '450 4.2.0 greylisted' },
      'eve@example.org': { type: 'delivered' },
    });
    expect(told).toEqual([`${bob},eve@example.org`]);
    expect(sink.mails).toMatchObject([{ to: [bob, 'eve@example.org'] }]);
    // With nobody left the connection still serves the next mail.
    expect(await send(way, mailTo('no@example.org'))).toMatchObject({ 'no@example.org': { type: 'refused', later: false } });
    expect(await sendOne(way)).toMatchObject({ type: 'delivered' });
    expect(sink.sessions()).toBe(1);
  });

  it('needs a server that knows letters beyond ASCII when an address has some', async () => {
    const sink = await sinkAt('127.0.0.1', { extensions: ['8BITMIME'] });
    const way = transport(sink.port, one);
    expect(await send(way, mailTo('østen@example.org', bob))).toMatchObject({
      'østen@example.org': { type: 'refused', later: false, reply: expect.stringContaining('5.6.7') },
      [bob]: { type: 'delivered' },
    });
    const other = await sinkAt('127.0.0.1');
    expect(await send(transport(other.port, one), mailTo('østen@example.org'))).toMatchObject({
      'østen@example.org': { type: 'delivered' },
    });
    expect(other.mails[0]).toMatchObject({ to: ['østen@example.org'], parameters: expect.stringContaining('SMTPUTF8') });
  });

  it('needs such a server when its header has some, also for addresses without', async () => {
    const old = await sinkAt('127.0.0.1', { extensions: ['8BITMIME'] });
    const mail = { ...mailTo(bob), utf8Header: true };
    expect(await send(transport(old.port, one), mail)).toMatchObject({
      [bob]: {
        type: 'refused',
        later: false,
        reply: '550 5.6.7 mx.example.org does not take a header with letters beyond ASCII (RFC 6531)',
      },
    });
    expect(old.mails).toEqual([]);
    const other = await sinkAt('127.0.0.1');
    const way = transport(other.port, one);
    expect(await send(way, mail)).toMatchObject({ [bob]: { type: 'delivered' } });
    expect(await send(way, { ...mail, recipients: ['østen@example.org'] })).toMatchObject({ 'østen@example.org': { type: 'delivered' } });
    expect(await sendOne(way)).toMatchObject({ type: 'delivered' });
    expect(other.sessions()).toBe(1);
    const announced = other.mails.map(({ parameters }) => parameters.split(' ').filter((one) => one === 'SMTPUTF8').length);
    expect(announced).toEqual([1, 1, 0]);
  });

  it.each<[string, Script, Partial<Transmission>]>([
    ['refuses the sender', { onMail: () => '550 5.7.1 not you' }, { type: 'refused', later: false, reply: '550 5.7.1 not you' }],
    ['refuses the content', { onMessage: () => '554 5.7.1 spam' }, { type: 'refused', later: false, reply: '554 5.7.1 spam' }],
    ['defers the content', { onMessage: () => '451 4.3.0 busy' }, { type: 'refused', later: true, reply: '451 4.3.0 busy' }],
    ['refuses DATA', { onData: () => '451 4.3.2 not now' }, { type: 'refused', later: true, reply: '451 4.3.2 not now' }],
    [
      'takes smaller mail only',
      { extensions: ['SIZE 20'] },
      { type: 'refused', later: false, reply: expect.stringContaining('552 5.3.4') },
    ],
    [
      'does not want to serve us',
      { greeting: '554 5.7.1 go away' },
      { type: 'refused', later: true, reply: expect.stringContaining('554 5.7.1') },
    ],
    ['breaks off at RCPT', { onRcpt: () => 'drop' }, { type: 'refused', later: true }],
    ['breaks off after the last byte', { onMessage: () => 'drop' }, { type: 'unknown', host: 'mx.example.org' }],
  ])('a server that %s', async (_, script, expected) => {
    const sink = await sinkAt('127.0.0.1', script);
    expect(await sendOne(transport(sink.port, one))).toMatchObject(expected);
    expect(sink.mails).toEqual([]);
  });

  it.each<[string, Script, Partial<Transmission>]>([
    ['says nothing at all', { greeting: 'hang' }, { type: 'refused', later: true }],
    ['has an endless greeting', { greeting: 'endless' }, { type: 'refused', later: true }],
    ['has an endless reply', { onMail: () => 'endless' }, { type: 'refused', later: true }],
    ['is a tar pit', { onRcpt: () => 'hang' }, { type: 'refused', later: true }],
    ['never answers the last byte', { onMessage: () => 'hang' }, { type: 'unknown', host: 'mx.example.org' }],
  ])('a server that %s is waited for so long and no longer', async (_, script, expected) => {
    const sink = await sinkAt('127.0.0.1', script);
    expect(await sendOne(transport(sink.port, one, { limits: HASTY }))).toMatchObject(expected);
    expect(sink.mails).toEqual([]);
  });

  it('is with nobody when the connection breaks before its last byte', async () => {
    const sink = await sinkAt('127.0.0.1', { onBytes: (received) => (received > 100_000 ? 'drop' : undefined) });
    const large = {
      ...mailTo(bob),
      bytes: async function* () {
        for (let n = 0; n < 500; n += 1) yield Buffer.alloc(60_000, `${'y'.repeat(58)}\r\n`);
      },
    };
    expect(await send(transport(sink.port, one), large)).toMatchObject({ [bob]: { type: 'refused', later: true } });
    expect(sink.mails).toEqual([]);
  });

  it('is given up when a server drips for ever', async () => {
    const sink = await sinkAt('127.0.0.1', {
      onMail: () => new Promise((resolve) => setTimeout(() => resolve('250 ok'), 600)),
      onRcpt: () => new Promise((resolve) => setTimeout(() => resolve('250 ok'), 600)),
    });
    const way = transport(sink.port, one, { limits: { ...LIMITS, mailMs: 900 } });
    expect(await sendOne(way)).toMatchObject({ type: 'refused', later: true, reply: 'The server takes too long.' });
  });
});

describe('exchangers', () => {
  it('are tried in the order of their preference, the next when one is away or says later', async () => {
    const third = await sinkAt('127.0.0.4');
    await sinkAt('127.0.0.3', { onRcpt: () => '451 4.7.1 try another' }, third.port);
    const zone: Zone = {
      'example.org MX': mx([30, 'c.example.org'], [10, 'a.example.org'], [20, 'B.example.org.']),
      ...{ 'a.example.org A': ['127.0.0.2'], 'b.example.org A': ['127.0.0.3'], 'c.example.org A': ['127.0.0.4'] },
    };
    expect(await sendOne(transport(third.port, zone))).toMatchObject({ type: 'delivered', host: 'c.example.org' });
  });

  it('need not be tried when one has said no', async () => {
    const second = await sinkAt('127.0.0.3');
    await sinkAt('127.0.0.2', { onRcpt: () => '550 5.1.1 unknown' }, second.port);
    const zone: Zone = {
      'example.org MX': mx([10, 'a.example.org'], [20, 'b.example.org']),
      'a.example.org A': ['127.0.0.2'],
      'b.example.org A': ['127.0.0.3'],
    };
    expect(await sendOne(transport(second.port, zone))).toMatchObject({ type: 'refused', later: false, host: 'a.example.org' });
    expect(second.sessions()).toBe(0);
  });

  it('are reached by IPv6 first, then by IPv4', async () => {
    const four = await sinkAt('127.0.0.1');
    const zone: Zone = { ...one, 'mx.example.org AAAA': ['::1'] };
    expect(await sendOne(transport(four.port, zone))).toMatchObject({ type: 'delivered' });
    const six = await sinkAt('::1', {}, four.port);
    expect(await sendOne(transport(four.port, zone))).toMatchObject({ type: 'delivered' });
    expect([four.mails.length, six.mails.length]).toEqual([1, 1]);
  });

  it('may be the domain itself', async () => {
    const sink = await sinkAt('127.0.0.1');
    expect(await sendOne(transport(sink.port, { 'example.org A': ['127.0.0.1'] }))).toMatchObject({
      type: 'delivered',
      host: 'example.org',
    });
    expect(await send(transport(sink.port, {}), mailTo('bob@[127.0.0.1]'))).toMatchObject({ 'bob@[127.0.0.1]': { type: 'delivered' } });
  });

  it.each<[string, Zone, boolean, string]>([
    ['null MX', { 'example.org MX': mx([0, '']) }, false, '556 5.1.10'],
    ['no such domain', {}, false, '550 5.1.2'],
    ['servers without an address', { 'example.org MX': mx([10, 'mx.example.org']) }, false, '550 5.4.4'],
    ['nobody answers for MX', { 'example.org MX': 'ETIMEOUT' }, true, '451 4.4.3'],
    [
      'nobody answers for the address',
      { 'example.org MX': mx([10, 'mx.example.org']), 'mx.example.org A': 'ESERVFAIL' },
      true,
      '451 4.4.3',
    ],
    ['we are the exchanger', { 'example.org MX': mx([10, 'mail.tidings.test'], [20, 'b.example.org']) }, false, '554 5.4.6'],
  ])('%s', async (_, zone, later, reply) => {
    expect(await sendOne(transport(1, zone))).toEqual({ type: 'refused', later, host: null, reply: expect.stringContaining(reply) });
  });

  it('are not looked for inside our own network', async () => {
    const guarded = transport(1, one, { mayCall: (address) => address !== '127.0.0.1' });
    expect(await sendOne(guarded)).toMatchObject({ type: 'refused', later: false, reply: expect.stringContaining('no public address') });
    expect(await send(guarded, mailTo('bob@[127.0.0.1]'))).toMatchObject({ 'bob@[127.0.0.1]': { type: 'refused', later: false } });
  });
});

describe('TLS', () => {
  const certificate = selfSigned('mx.example.org', Date.now());

  it('is used wherever it is offered, with whatever certificate', async () => {
    const sink = await sinkAt('127.0.0.1', { certificate });
    expect(await sendOne(transport(sink.port, one))).toMatchObject({ type: 'delivered', tls: 'TLSv1.3 opportunistic' });
    expect(sink.mails).toMatchObject([{ tls: true }]);
  });

  it('is done without when it does not work and nobody asks for it', async () => {
    const refusing = await sinkAt('127.0.0.1', { certificate, onStartTls: () => '454 4.7.0 not now' });
    expect(await sendOne(transport(refusing.port, one))).toMatchObject({ type: 'delivered', tls: null });
    const broken = await sinkAt('127.0.0.1', { certificate: { key: '', cert: '' } });
    expect(await sendOne(transport(broken.port, one))).toMatchObject({ type: 'delivered', tls: null });
  });

  it('with a certificate that is vouched for is insisted on where a policy says so', async () => {
    const policies = async () => async () => ({ type: 'verified' as const, by: 'mta-sts' });
    const sink = await sinkAt('127.0.0.1', { certificate });
    expect(await sendOne(transport(sink.port, one, { policies }))).toMatchObject({ type: 'refused', later: true });
    expect(await sendOne(transport(sink.port, one, { policies, trusted: [certificate.cert] }))).toMatchObject({
      ...{ type: 'delivered', tls: 'TLSv1.3 mta-sts' },
    });
    const other = selfSigned('mx.elsewhere.example', Date.now());
    const impostor = await sinkAt('127.0.0.1', { certificate: other });
    expect(await sendOne(transport(impostor.port, one, { policies, trusted: [other.cert] }))).toMatchObject({
      type: 'refused',
      later: true,
    });
    const plain = await sinkAt('127.0.0.1');
    expect(await sendOne(transport(plain.port, one, { policies }))).toMatchObject({ type: 'refused', later: true });
    expect([...impostor.mails, ...plain.mails]).toEqual([]);
    const unnamed = transport(plain.port, one, {
      policies: async () => async () => ({ type: 'refusal', reply: 'no', failure: { type: 'validation-failure', words: '' } }),
    });
    expect(await sendOne(unnamed)).toEqual({ type: 'refused', later: true, host: 'mx.example.org', reply: 'no' });
  });
});

describe('a relay', () => {
  const relayed = (url: string, more: Partial<TransportOptions> = {}) => {
    const relay = relayOf(url);
    if (relay === undefined) throw new Error('no relay');
    return transport(1, {}, { routes: () => relay, ...more });
  };

  it('takes the mail of all domains in one go', async () => {
    const sink = await sinkAt('127.0.0.1');
    const way = relayed(`smtp://127.0.0.1:${sink.port}`);
    expect(way.route('example.org')).toBe(way.route('example.com'));
    expect(await send(way, mailTo(bob, 'eve@example.com'))).toMatchObject({
      [bob]: { type: 'delivered' },
      'eve@example.com': { type: 'delivered' },
    });
    expect(sink.mails).toHaveLength(1);
  });

  it('is told the password over verified TLS only, unless the operator waives that', async () => {
    const certificate = selfSigned('localhost', Date.now());
    const asked: string[] = [];
    const onAuth = (line: string): string => {
      asked.push(
        Buffer.from(line.split(' ')[2] ?? '', 'base64')
          .toString()
          .replaceAll('\0', ' '),
      );
      return asked.at(-1) === ' ada s3cret:' ? '235 2.7.0 ok' : '535 5.7.8 no';
    };
    const script: Script = { certificate, extensions: ['AUTH PLAIN', 'SIZE'], onAuth };
    const sink = await sinkAt('127.0.0.1', script);
    const trusting = { trusted: [certificate.cert] };
    expect(await sendOne(relayed(`smtp://ada:s3cret%3A@localhost:${sink.port}`))).toMatchObject({ type: 'refused', later: true });
    expect(asked).toEqual([]);
    expect(await sendOne(relayed(`smtp://ada:s3cret%3A@localhost:${sink.port}`, trusting))).toMatchObject({
      type: 'delivered',
      tls: 'TLSv1.3 verified',
    });
    expect(await sendOne(relayed(`smtp://ada:s3cret%3A@localhost:${sink.port}?tls=opportunistic`))).toMatchObject({ type: 'delivered' });
    expect(await sendOne(relayed(`smtp://ada:wrong@localhost:${sink.port}`, trusting))).toMatchObject({
      type: 'refused',
      later: true,
      reply: '535 5.7.8 no',
    });
    sink.play({ ...script, implicitTls: true });
    expect(await sendOne(relayed(`smtps://ada:s3cret%3A@localhost:${sink.port}`, trusting))).toMatchObject({ type: 'delivered' });
    expect(sink.mails).toHaveLength(3);
  });

  it.each(['http://relay', 'smtp://', 'smtp://relay/path', 'smtp://relay?tls=maybe', 'smtps://relay?tls=none', 'relay'])(
    'is not %s',
    (url) => {
      expect(relayOf(url)).toBeUndefined();
    },
  );
});

describe('a proxy', () => {
  it('carries the connection, and its name is ours', async () => {
    const sink = await sinkAt('127.0.0.1');
    const asked: string[] = [];
    const proxy = createServer((client) => {
      client.once('data', () => {
        client.write(Buffer.from([5, 0]));
        client.once('data', (request) => {
          asked.push(`${request.subarray(4, 8).join('.')}:${request.readUInt16BE(8)}`);
          const server = connect(sink.port, '127.0.0.1', () => {
            client.write(Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 25]));
            client.pipe(server).pipe(client);
          });
          client.on('close', () => server.destroy()).on('error', () => undefined);
        });
      });
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    ends.push(() => new Promise((resolve) => proxy.close(() => resolve())));
    const { port } = proxy.address() as AddressInfo; // a TCP server has one
    const way = transport(sink.port, one, { proxies: proxiesOf([{ host: 'localhost', port, credentials: null }]) });
    expect(await sendOne(way)).toMatchObject({ type: 'delivered' });
    expect(asked).toEqual([`127.0.0.1:${sink.port}`]);
    expect(sink.lines[0]).toBe('EHLO localhost');
    await way.close();
    const gone = transport(sink.port, one, { proxies: proxiesOf([{ host: 'localhost', port: 1, credentials: null }]) });
    expect(await sendOne(gone)).toMatchObject({ type: 'refused', later: true, reply: expect.stringContaining('The proxy localhost') });
  });
});
