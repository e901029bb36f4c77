import { createHash, X509Certificate } from 'node:crypto';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Transmission } from '@tidings/contracts/ports/mail-transport';
import { loadConfig } from '@tidings/infra/config/config';
import { openDns } from '@tidings/infra/dns/system-dns';
import { openPool } from '@tidings/infra/postgres/pools';
import type { TlsResult } from '@tidings/infra/tls-report/result';
import * as E from 'fp-ts/lib/Either.js';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openAuthority } from '../../../tests/kit/certificates.ts';
import { type DnsServer, startDns } from '../../../tests/kit/dns.ts';
import { createTestDatabase } from '../../../tests/kit/postgres.ts';
import { type Sink, startSink } from '../../../tests/kit/smtp-sink.ts';
import { migrateEgress } from './migrations.ts';
import { forgetStsPolicies } from './sts-policies.ts';
import { believed, configuredTransport } from './transport.ts';

const logger = pino({ level: 'silent' });
const authority = openAuthority();
const certificate = authority.issue({ alternatives: ['mx.example.org'] });
const bob = 'bob@example.org';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let pool: Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = openPool({ url: database.url, max: 4, name: 'test', logger });
  await migrateEgress(pool);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});
let sink: Sink;
let names: DnsServer;
beforeEach(async () => {
  sink = await startSink();
  const key = new X509Certificate(certificate.cert).publicKey.export({ type: 'spki', format: 'der' });
  const named = { usage: 3, selector: 1, matchingType: 1, certificate: createHash('sha256').update(key).digest() };
  names = await startDns(
    {
      'example.org MX': [{ type: 'MX', name: 'example.org', ttl: 60, data: { preference: 10, exchange: 'mx.example.org' } }],
      'mx.example.org A': [{ type: 'A', name: 'mx.example.org', ttl: 60, data: '127.0.0.1' }],
      'mta-sts.example.org A': [{ type: 'A', name: 'mta-sts.example.org', ttl: 60, data: '127.0.0.1' }],
      '_mta-sts.example.org TXT': 'v=STSv1; id=1;',
      [`_${sink.port}._tcp.mx.example.org TLSA`]: [{ type: 'TLSA', name: `_${sink.port}._tcp.mx.example.org`, ttl: 60, data: named }],
    },
    {},
  );
  ends.push(
    () => sink.close(),
    () => names.close(),
  );
});

/** How TLS went, as it was told. */
let told: TlsResult[];
beforeEach(() => {
  told = [];
});
const ways = (): readonly unknown[] => told.map(({ policy, failure }) => [policy?.type ?? null, failure?.type ?? null]);

/** What becomes of a mail to bob with these settings. */
const send = async (env: Readonly<Record<string, string>>, httpsPort = 1): Promise<Transmission | undefined> => {
  const config = E.getOrElseW(() => {
    throw new Error('bad test');
  })(loadConfig({ DNS_SERVERS: names.address, EGRESS_ALLOW_PRIVATE: 'on', ...env }));
  const dns = openDns({ servers: config.dnsServers });
  const world = { smtpPort: sink.port, httpsPort, trusted: [authority.cert] };
  const transport = configuredTransport({ config, pool, now: Date.now, logger, onTls: (result) => told.push(result) }, dns, world);
  const text = Buffer.from('Subject: Secret\r\n\r\nwords\r\n');
  const bytes = async function* () {
    yield text;
  };
  const mail = {
    from: 'ada@tidings.test',
    recipients: [bob],
    size: text.length,
    eightBit: false,
    utf8Header: false,
    envelopeId: 'email-1',
    bytes,
  };
  try {
    return (await transport.send(mail, async () => true)).get(bob);
  } finally {
    await transport.close();
    dns.close();
  }
};

describe('mail that goes out directly', () => {
  it('keeps to TLSA records that the configured resolver vouches for', async () => {
    expect(await send({})).toMatchObject({ type: 'refused', later: true, reply: expect.stringContaining('RFC 7672') });
    expect(await send({ EGRESS_DANE: 'off' })).toMatchObject({ type: 'delivered', tls: null });
    sink.play({ certificate });
    expect(await send({})).toMatchObject({ type: 'delivered', tls: 'TLSv1.3 dane' });
    told = told.filter(({ policy }) => policy?.type !== 'sts'); // whose file cannot be had
    expect(ways()).toEqual([
      ['tlsa', 'validation-failure'], // it offers TLS, and has no certificate
      [null, 'starttls-not-supported'],
      ['tlsa', null],
    ]);
    expect(told.at(-1)).toMatchObject({ domain: 'example.org', host: 'mx.example.org', address: '127.0.0.1' });
    expect(told.at(-1)?.policy?.strings).toEqual([expect.stringMatching(/^3 1 1 [0-9a-f]{64}$/)]);
  });

  it('keeps to an MTA-STS policy, and remembers it in the database', async () => {
    let fetched = 0;
    const files = createServer(authority.issue({ alternatives: ['mta-sts.example.org'] }), (_, response) => {
      fetched += 1;
      response.writeHead(200, { 'content-type': 'text/plain' }).end('version: STSv1\nmode: enforce\nmx: mx.example.org\nmax_age: 86400\n');
    });
    await new Promise<void>((resolve) => files.listen(0, '127.0.0.1', resolve));
    const { port } = files.address() as AddressInfo; // a TCP server has one
    expect(await send({ EGRESS_DANE: 'off' }, port)).toMatchObject({ type: 'refused', reply: expect.stringContaining('RFC 8461') });
    await new Promise((resolve) => files.close(resolve));
    expect(fetched).toBe(1);
    expect(await send({ EGRESS_DANE: 'off' })).toMatchObject({ type: 'refused', reply: expect.stringContaining('RFC 8461') });
    expect(await send({ EGRESS_DANE: 'off', EGRESS_MTA_STS: 'off' })).toMatchObject({ type: 'delivered', tls: null });
    sink.play({ certificate });
    expect(await send({ EGRESS_DANE: 'off' })).toMatchObject({ type: 'delivered', tls: 'TLSv1.3 mta-sts' });
    expect(ways()).toEqual([
      ['sts', 'validation-failure'],
      ['sts', 'validation-failure'],
      [null, 'starttls-not-supported'],
      ['sts', null],
    ]);
    expect(told[0]?.policy).toEqual({
      ...{ type: 'sts', mx: ['mx.example.org'] },
      strings: ['version: STSv1', 'mode: enforce', 'mx: mx.example.org', 'max_age: 86400'],
    });
    await forgetStsPolicies(pool, Date.now() + 86_400_001);
    expect((await pool.query('select from egress.sts_policy')).rowCount).toBe(0);
  });
});

describe('what is told of TLS', () => {
  const publish = async (file: string): Promise<number> => {
    const files = createServer(authority.issue({ alternatives: ['mta-sts.example.org'] }), (_, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' }).end(file);
    });
    await new Promise<void>((resolve) => files.listen(0, '127.0.0.1', resolve));
    ends.push(() => new Promise((resolve) => files.close(resolve)));
    return (files.address() as AddressInfo).port; // a TCP server has one
  };
  const policy = (mode: string, mx: string): string => `version: STSv1\nmode: ${mode}\nmx: ${mx}\nmax_age: 86400\n`;
  beforeEach(() => pool.query('delete from egress.sts_policy'));
  const env = { EGRESS_DANE: 'off' };

  it('is what a policy on trial finds, while the mail goes out', async () => {
    const port = await publish(policy('testing', 'mx.example.org'));
    sink.play({ certificate });
    expect(await send(env, port)).toMatchObject({ type: 'delivered' });
    sink.play({ certificate: authority.issue({ alternatives: ['mx.example.com'] }) });
    expect(await send(env, port)).toMatchObject({ type: 'delivered' });
    sink.play({ certificate: authority.issue({ alternatives: ['mx.example.org'], expired: true }) });
    expect(await send(env, port)).toMatchObject({ type: 'delivered' });
    sink.play({ certificate: openAuthority().issue({ alternatives: ['mx.example.org'] }) });
    expect(await send(env, port)).toMatchObject({ type: 'delivered' });
    expect(ways()).toEqual([
      ['sts', null],
      ['sts', 'certificate-host-mismatch'],
      ['sts', 'certificate-expired'],
      ['sts', 'certificate-not-trusted'],
    ]);
  });

  it('is what a policy that is enforced finds, and what is wrong with the policy', async () => {
    sink.play({ certificate: authority.issue({ alternatives: ['mx.example.org'], expired: true }) });
    expect(await send(env, await publish('version: STSv1\nmode: strict\n'))).toMatchObject({ type: 'delivered' });
    expect(await send(env, 1)).toMatchObject({ type: 'delivered' });
    expect(await send(env, await publish(policy('enforce', 'mx.example.org')))).toMatchObject({ type: 'refused' });
    await pool.query('delete from egress.sts_policy');
    expect(await send(env, await publish(policy('enforce', 'other.example.org')))).toMatchObject({ type: 'refused' });
    expect(ways()).toEqual([
      ...[
        ['sts', 'sts-policy-invalid'],
        [null, null],
      ],
      ...[
        ['sts', 'sts-policy-fetch-error'],
        [null, null],
      ],
      ['sts', 'certificate-expired'],
      ['sts', 'validation-failure'],
    ]);
  });
});

describe('whose word on signatures counts', () => {
  const servers = ['127.0.0.53', '127.0.0.1:5353', '[::1]:53', '192.0.2.1', '10.0.0.2:53', '2001:db8::1'];
  it.each([
    ['auto', servers.slice(0, 3)],
    ['on', servers],
    ['off', []],
  ] as const)('%s', (dane, expected) => {
    expect(believed(dane, servers)).toEqual(expected);
  });
});
