import { createHash, X509Certificate } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { DnsRecord } from '@tidings/contracts/ports/dns';
import type { Transmission } from '@tidings/contracts/ports/mail-transport';
import type { Answer } from 'dns-packet';
import { pino } from 'pino';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Authority, type Issued, openAuthority } from '../../../tests/kit/certificates.ts';
import { startDns, type Table, type Validation } from '../../../tests/kit/dns.ts';
import { type Script, type Sink, startSink } from '../../../tests/kit/smtp-sink.ts';
import { dnsOf, type Zone } from '../dns/zone.ts';
import { openMailTransport } from '../mail-transport/open-transport.ts';
import { daneFor } from './dane.ts';
import { policyFetcher } from './fetch-policy.ts';
import { type MtaSts, openMtaSts, type StsMemory, type StsPolicy } from './mta-sts.ts';
import { tlsPolicies, type TlsPolicies } from './tls-policies.ts';
import { endpointOf, openValidatingDns } from './validating-dns.ts';

let authority: Authority;
let good: Issued;
let other: Issued;
let policyHost: Issued;
beforeAll(() => {
  authority = openAuthority();
  good = authority.issue({ alternatives: ['mx.example.org'] });
  policyHost = authority.issue({ alternatives: ['mta-sts.example.org'] });
  other = authority.issue({ name: 'mx.example.org', alternatives: ['mx.elsewhere.example'] });
});

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

const bob = 'bob@example.org';
const hosts: Zone = { 'example.org MX': [{ priority: 10, exchange: 'mx.example.org' }], 'mx.example.org A': ['127.0.0.1'] };
const sinkWith = async (script: Script): Promise<Sink> => {
  const sink = await startSink(script);
  ends.push(() => sink.close());
  return sink;
};

/** What becomes of a mail to bob, at this server. */
const sendTo = async ({ port }: Sink, policies: TlsPolicies, zone: Zone = hosts): Promise<Transmission | undefined> => {
  const limits = { connectMs: 2_000, silenceMs: 2_000, mailMs: 5_000 };
  const transport = openMailTransport({
    ...{ dns: dnsOf(zone), name: 'mail.tidings.test', routes: () => null, mayCall: () => true, port, limits, policies },
    trusted: [authority.cert],
  });
  const text = Buffer.from('Subject: Secret\r\n\r\nwords\r\n');
  const mail = {
    from: 'ada@tidings.test',
    recipients: [bob],
    size: text.length,
    eightBit: false,
    utf8Header: false,
    envelopeId: 'email-1',
  };
  try {
    const bytes = async function* () {
      yield text;
    };
    return (await transport.send({ ...mail, bytes }, async () => true)).get(bob);
  } finally {
    await transport.close();
  }
};
const refusedFor = (reply: string) => ({ type: 'refused', later: true, host: 'mx.example.org', reply: expect.stringContaining(reply) });

describe('DANE', () => {
  const tlsa = (usage: number, selector: number, matchingType: number, certificate: Buffer): Answer => ({
    ...{ type: 'TLSA', name: '_25._tcp.mx.example.org', ttl: 60, data: { usage, selector, matchingType, certificate } },
  });
  const digest = (bytes: Buffer, name = 'sha256'): Buffer => createHash(name).update(bytes).digest();
  const rawOf = (cert: string): Buffer => new X509Certificate(cert).raw;
  const keyOf = (cert: string): Buffer => new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' });
  const table = (...records: readonly Answer[]): Table => ({
    'example.org MX': [{ type: 'MX', name: 'example.org', ttl: 60, data: { preference: 10, exchange: 'mx.example.org' } }],
    'mx.example.org A': [{ type: 'A', name: 'mx.example.org', ttl: 60, data: '127.0.0.1' }],
    ...(records.length === 0 ? {} : { '_25._tcp.mx.example.org TLSA': records }),
  });
  const dane = async (records: readonly Answer[], validation: Validation = {}): Promise<TlsPolicies> => {
    const server = await startDns(table(...records), validation);
    ends.push(() => server.close());
    const dns = openValidatingDns({ servers: [server.address], timeoutMs: 1_000 });
    return tlsPolicies({ dane: daneFor(dns, Date.now), mtaSts: null });
  };

  it.each([
    ['its digest', () => tlsa(3, 0, 1, digest(rawOf(good.cert)))],
    ['the digest of its key', () => tlsa(3, 1, 1, digest(keyOf(good.cert)))],
    ['a longer digest', () => tlsa(3, 1, 2, digest(keyOf(good.cert), 'sha512'))],
    ['all of it', () => tlsa(3, 0, 0, rawOf(good.cert))],
    ['its authority', () => tlsa(2, 0, 1, digest(rawOf(authority.cert)))],
    ['the key of its authority', () => tlsa(2, 1, 1, digest(keyOf(authority.cert)))],
  ])('lets mail go to a server whose certificate is named by %s, and to no other', async (_, record) => {
    const policies = await dane([tlsa(3, 1, 1, Buffer.alloc(32)), record()]);
    expect(await sendTo(await sinkWith({ certificate: good }), policies)).toMatchObject({ type: 'delivered', tls: 'TLSv1.3 dane' });
    const impostor = await sinkWith({ certificate: other });
    expect(await sendTo(impostor, policies)).toMatchObject(refusedFor('454 4.7.5 The TLSA records of mx.example.org'));
    const plain = await sinkWith({});
    expect(await sendTo(plain, policies)).toMatchObject(refusedFor('The TLSA records of mx.example.org'));
    expect([...impostor.mails, ...plain.mails]).toEqual([]);
  });

  it('asks of a certificate named by its authority that it is in its time, and its own named ones nothing more', async () => {
    const old = authority.issue({ alternatives: ['mx.example.org'], expired: true });
    const sink = await sinkWith({ certificate: old });
    expect(await sendTo(sink, await dane([tlsa(2, 0, 1, digest(rawOf(authority.cert)))]))).toMatchObject({ type: 'refused', later: true });
    expect(await sendTo(sink, await dane([tlsa(3, 1, 1, digest(keyOf(old.cert)))]))).toMatchObject({ type: 'delivered' });
  });

  it('takes an authority for what it says of itself only with its signature', async () => {
    const fake = openAuthority(); // the same name, another key
    const forged = fake.issue({ alternatives: ['mx.example.org'] });
    const [leaf = ''] = forged.cert.split(/(?<=-----END CERTIFICATE-----\n)/);
    const sink = await sinkWith({ certificate: { key: forged.key, cert: `${leaf}\n${authority.cert}` } });
    expect(await sendTo(sink, await dane([tlsa(2, 0, 1, digest(rawOf(authority.cert)))]))).toMatchObject({ type: 'refused', later: true });
    expect(sink.mails).toEqual([]);
  });

  it.each<[string, Validation | undefined]>([
    ['where the domain does not sign its exchangers', { unsigned: ['example.org'] }],
    ['where the exchanger is not signed', { unsigned: ['mx.example.org'] }],
    ['where its records are not signed', { unsigned: ['_25._tcp.mx.example.org'] }],
  ])('says nothing %s', async (_, validation) => {
    const policies = await dane([tlsa(3, 1, 1, Buffer.alloc(32))], validation);
    expect(await sendTo(await sinkWith({ certificate: other }), policies)).toMatchObject({ tls: 'TLSv1.3 opportunistic' });
  });

  it('says nothing by a resolver that does not validate', async () => {
    const server = await startDns(table(tlsa(3, 1, 1, Buffer.alloc(32))));
    ends.push(() => server.close());
    const policies = tlsPolicies({ dane: daneFor(openValidatingDns({ servers: [server.address] }), Date.now), mtaSts: null });
    expect(await sendTo(await sinkWith({}), policies)).toMatchObject({ type: 'delivered', tls: null });
    expect(server.asked).toEqual(['example.org MX']);
  });

  it('says nothing of an exchanger without records', async () => {
    expect(await sendTo(await sinkWith({}), await dane([]))).toMatchObject({ type: 'delivered', tls: null });
  });

  it.each(['example.org', 'mx.example.org', '_25._tcp.mx.example.org'])(
    'keeps mail back while the records of %s are forged',
    async (name) => {
      const sink = await sinkWith({ certificate: good });
      const policies = await dane([tlsa(3, 1, 1, digest(keyOf(good.cert)))], { bogus: [name] });
      expect(await sendTo(sink, policies)).toMatchObject(refusedFor('451 4.4.3 DNS does not tell for sure'));
      expect(sink.mails).toEqual([]);
    },
  );

  it('asks for TLS with whomever where no record can be used', async () => {
    const policies = await dane([tlsa(0, 0, 1, Buffer.alloc(32)), tlsa(3, 9, 1, Buffer.alloc(32)), tlsa(3, 1, 1, Buffer.alloc(7))]);
    expect(await sendTo(await sinkWith({ certificate: other }), policies)).toMatchObject({ type: 'delivered', tls: 'TLSv1.3 dane' });
    expect(await sendTo(await sinkWith({}), policies)).toMatchObject({ type: 'refused', later: true });
  });

  it('reads answers that do not fit into a datagram, once for all who ask', async () => {
    const server = await startDns(table(tlsa(3, 1, 1, Buffer.alloc(32))), { large: true });
    ends.push(() => server.close());
    const dns = openValidatingDns({ servers: [server.address] });
    const [one, two] = await Promise.all([dns.ask('example.org', 'MX'), dns.ask('Example.org', 'MX')]);
    expect(one).toMatchObject({ secure: true, records: [{ data: { exchange: 'mx.example.org' } }] });
    expect(two).toBe(one);
    expect(await dns.ask('example.org', 'MX')).toBe(one);
    expect(server.asked).toHaveLength(2); // the datagram, then the stream
  });

  it('gives up on a server that is not there', async () => {
    const server = await startDns({});
    await server.close();
    const dns = openValidatingDns({ servers: [server.address], timeoutMs: 50 });
    await expect(dns.ask('example.org', 'MX')).rejects.toMatchObject({ name: 'DnsFailure' });
  });

  it.each([
    ['192.0.2.1', '192.0.2.1', 53],
    ['192.0.2.1:5353', '192.0.2.1', 5353],
    ['2001:db8::1', '2001:db8::1', 53],
    ['[2001:db8::1]:5353', '2001:db8::1', 5353],
  ])('asks the server %s', (text, host, port) => {
    expect(endpointOf(text)).toEqual({ host, port });
  });
});

describe('MTA-STS', () => {
  let file: (response: ServerResponse) => void;
  let fetched: number;
  let zone: Record<string, readonly DnsRecord[] | 'ETIMEOUT'>;
  let saved: Map<string, StsPolicy>;
  let now: number;
  let port: number;

  const policy = (mode: string, mx = 'mx.example.org', maxAge = 604_800): string =>
    `version: STSv1\r\nmode: ${mode}\r\nmx: ${mx}\r\nmax_age: ${maxAge}\r\n`;
  const says = (text: string, type = 'text/plain', status = 200): void => {
    file = (response) => response.writeHead(status, { 'content-type': type }).end(text);
  };
  const announce = (id: string): void => void (zone['_mta-sts.example.org TXT'] = [`v=STSv1; id=${id};`]);
  const memory: StsMemory = {
    load: async (domain) => saved.get(domain) ?? null,
    save: async (domain, kept) => void saved.set(domain, kept),
  };
  /** A process that knows nothing but what was saved. */
  const open = (mayCall: (address: string) => boolean = () => true): MtaSts => {
    const dns = dnsOf(zone);
    const fetchPolicy = policyFetcher({ dns, mayCall, port, trusted: [authority.cert], timeoutMs: 1_000, maxBytes: 2_000 });
    return openMtaSts({ dns, memory, fetchPolicy, now: () => now, logger: pino({ level: 'silent' }) });
  };
  const policies = (mtaSts: MtaSts = open()): TlsPolicies => tlsPolicies({ dane: null, mtaSts });

  beforeEach(async () => {
    fetched = 0;
    now = Date.now();
    saved = new Map();
    zone = { 'mta-sts.example.org A': ['127.0.0.1'] };
    announce('1');
    says(policy('enforce'));
    const server = createServer(policyHost, (request, response) => {
      fetched += 1;
      if (request.url === '/.well-known/mta-sts.txt' && request.headers.host?.startsWith('mta-sts.example.org') === true) file(response);
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ends.push(() => new Promise((resolve) => server.close(resolve)));
    ({ port } = server.address() as AddressInfo); // a TCP server has one
  });

  it('lets mail go over TLS with a good certificate only', async () => {
    expect(await sendTo(await sinkWith({ certificate: good }), policies())).toMatchObject({ type: 'delivered', tls: 'TLSv1.3 mta-sts' });
    const impostor = await sinkWith({ certificate: other });
    expect(await sendTo(impostor, policies())).toMatchObject(refusedFor('454 4.7.5 The MTA-STS policy of example.org'));
    const old = await sinkWith({ certificate: authority.issue({ alternatives: ['mx.example.org'], expired: true }) });
    expect(await sendTo(old, policies())).toMatchObject(refusedFor('expired'));
    const stranger = openAuthority();
    const unknown = await sinkWith({ certificate: stranger.issue({ alternatives: ['mx.example.org'] }) });
    expect(await sendTo(unknown, policies())).toMatchObject(refusedFor('The MTA-STS policy of example.org'));
    const plain = await sinkWith({});
    expect(await sendTo(plain, policies())).toMatchObject(refusedFor('The MTA-STS policy of example.org'));
    expect([...impostor.mails, ...old.mails, ...unknown.mails, ...plain.mails]).toEqual([]);
  });

  it('does not look at the common name, nor at a star that is part of a label', async () => {
    const byName = await sinkWith({ certificate: authority.issue({ name: 'mx.example.org', alternatives: [] }) });
    expect(await sendTo(byName, policies())).toMatchObject(refusedFor('MTA-STS'));
    const partly = await sinkWith({ certificate: authority.issue({ alternatives: ['m*.example.org'] }) });
    expect(await sendTo(partly, policies())).toMatchObject(refusedFor('MTA-STS'));
    const star = await sinkWith({ certificate: authority.issue({ alternatives: ['*.example.org'] }) });
    expect(await sendTo(star, policies())).toMatchObject({ type: 'delivered' });
  });

  it('keeps mail from exchangers that it does not name, and goes on to those that it does', async () => {
    says(policy('enforce', '*.example.org'));
    const sink = await sinkWith({ certificate: good });
    const elsewhere = { priority: 5, exchange: 'mx.elsewhere.example' };
    const both: Zone = { ...hosts, 'example.org MX': [elsewhere, { priority: 10, exchange: 'mx.example.org' }] };
    const zones: Zone = { ...both, 'mx.elsewhere.example A': ['127.0.0.1'] };
    expect(await sendTo(sink, policies(), zones)).toMatchObject({ type: 'delivered', host: 'mx.example.org' });
    expect(await sendTo(sink, policies(), { ...zones, 'example.org MX': [elsewhere] })).toEqual({
      ...{ type: 'refused', later: true, host: 'mx.elsewhere.example' },
      reply: '454 4.7.5 The MTA-STS policy of example.org does not name mx.elsewhere.example (RFC 8461)',
    });
    expect(sink.mails).toHaveLength(1);
  });

  it.each(['testing', 'none'])('keeps nothing back in mode %s', async (mode) => {
    says(policy(mode, 'mx.elsewhere.example'));
    expect(await sendTo(await sinkWith({}), policies())).toMatchObject({ type: 'delivered', tls: null });
  });

  it('does not overrule DANE', async () => {
    const named = tlsPolicies({
      dane: async () => async () => ({ type: 'dane', accepts: () => true, because: '' }),
      mtaSts: open(),
    });
    says(policy('enforce', 'mx.elsewhere.example'));
    expect(await sendTo(await sinkWith({ certificate: other }), named)).toMatchObject({ type: 'delivered', tls: 'TLSv1.3 dane' });
  });

  it.each<[string, () => void]>([
    ['is not announced', () => void delete zone['_mta-sts.example.org TXT']],
    ['is announced twice', () => void (zone['_mta-sts.example.org TXT'] = ['v=STSv1; id=1;', 'v=STSv1; id=2;'])],
    ['is not there', () => says('', 'text/plain', 404)],
    ['is somewhere else', () => (file = (response) => response.writeHead(302, { location: 'https://mta-sts.example.org/' }).end())],
    ['is no text', () => says(policy('enforce'), 'text/html')],
    ['is none', () => says('mode: enforce')],
    ['is endless', () => says(`${policy('enforce')}${'x: y\r\n'.repeat(1_000)}`)],
    ['is at no host', () => void delete zone['mta-sts.example.org A']],
    ['never comes', () => (file = () => undefined)],
  ])('is as if there were none when the policy %s', async (_, given) => {
    given();
    expect(await sendTo(await sinkWith({}), policies())).toMatchObject({ type: 'delivered', tls: null });
    expect(saved.size).toBe(0);
  });

  it('fetches nothing from addresses inside our network', async () => {
    expect(await open((address) => address !== '127.0.0.1')('example.org')).toBeNull();
    expect(fetched).toBe(0);
  });

  it('keeps a policy for its time, whatever is held back from us', async () => {
    const known = await open()('example.org');
    expect(known).toMatchObject({ id: '1', mode: 'enforce', mx: ['mx.example.org'], expiresAt: now + 604_800_000 });
    delete zone['_mta-sts.example.org TXT'];
    expect(await open()('example.org')).toEqual(known);
    zone['_mta-sts.example.org TXT'] = 'ETIMEOUT';
    expect(await open()('example.org')).toEqual(known);
    announce('2');
    says('', 'text/plain', 500);
    expect(await open()('example.org')).toEqual(known);
    now += 604_800_001;
    expect(await open()('example.org')).toBeNull();
  });

  it('fetches once, again when another is announced, and once a day', async () => {
    const sts = open();
    await Promise.all([sts('example.org'), sts('example.org')]);
    await sts('example.org');
    expect(fetched).toBe(1);
    announce('2');
    says(policy('testing'));
    expect(await sts('example.org')).toMatchObject({ id: '2', mode: 'testing' });
    expect(fetched).toBe(2);
    now += 86_400_000;
    await sts('example.org');
    expect(fetched).toBe(3);
  });

  it('does not ask a host that failed again and again', async () => {
    says('', 'text/plain', 500);
    const sts = open();
    await sts('example.org');
    await sts('example.org');
    expect(fetched).toBe(1);
    now += 300_001;
    await sts('example.org');
    expect(fetched).toBe(2);
  });
});
