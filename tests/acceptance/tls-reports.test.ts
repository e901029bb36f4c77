/** Reports about TLS (RFC 8460), as the domains that asked for them get them: by mail, and over HTTPS. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { dkimVerify } from 'mailauth';
import pg from 'pg';
import { simpleParser } from 'mailparser';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openAuthority } from '../kit/certificates.ts';
import { type DnsServer, startDns } from '../kit/dns.ts';
import { type Sink, startSink } from '../kit/smtp-sink.ts';
import { type MailTown, openMailTown } from './mail-kit.ts';

const soon = { timeout: 30_000, interval: 50 };
const authority = openAuthority();
const posted: { readonly type: string | undefined; readonly body: Buffer }[] = [];
const https = createServer(authority.issue({ alternatives: ['localhost'] }), (request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    posted.push({ type: request.headers['content-type'], body: Buffer.concat(chunks) });
    response.writeHead(201).end();
  });
});
let modern: Sink;
let old: Sink;
let names: DnsServer;
let town: MailTown<'alice'>;
let database: pg.Client;
let settings: Readonly<Record<string, string>>;

beforeAll(async () => {
  modern = await startSink({ certificate: authority.issue({ alternatives: ['mx.example.org'] }) });
  old = await startSink({}, { host: '127.0.0.2', port: modern.port });
  await new Promise<void>((resolve) => https.listen(0, '127.0.0.1', resolve));
  const { port } = https.address() as AddressInfo; // a TCP server has one
  const mailOf = (domain: string, address: string): Parameters<typeof startDns>[0] => ({
    [`${domain} MX`]: [{ type: 'MX', name: domain, ttl: 60, data: { preference: 10, exchange: `mx.${domain}` } }],
    [`mx.${domain} A`]: [{ type: 'A', name: `mx.${domain}`, ttl: 60, data: address }],
  });
  names = await startDns({
    ...mailOf('example.org', '127.0.0.1'),
    '_smtp._tls.example.org TXT': `v=TLSRPTv1; rua=mailto:tls@reports.example,https://localhost:${port}/v1`,
    ...mailOf('old.example', '127.0.0.2'),
    '_smtp._tls.old.example TXT': 'v=TLSRPTv1;rua=mailto:tls@reports.example',
    ...mailOf('silent.example', '127.0.0.1'),
    ...mailOf('reports.example', '127.0.0.1'),
  });
  settings = {
    ...{ EGRESS: 'direct', EGRESS_PORT: String(modern.port), EGRESS_ALLOW_PRIVATE: 'on', WEBHOOK_ALLOW_PRIVATE: 'on' },
    ...{ DNS_SERVERS: names.address, MAIL_HOST: 'mail.tidings.test' },
    ...{ EGRESS_TLS_REPORTS_ORGANIZATION: 'Tidings', EGRESS_TLS_REPORTS_CONTACT: 'tls-reports@tidings.test' },
  };
  town = await openMailTown(['alice'], settings);
  database = new pg.Client({ connectionString: town.program.databaseUrl });
  await database.connect();
});
afterAll(async () => {
  await database.end();
  await town.close();
  await Promise.all([modern.close(), old.close(), names.close(), new Promise((resolve) => https.close(resolve))]);
});

const tidings = async (env: Readonly<Record<string, string>>, ...args: readonly string[]) => {
  const { dataDir, databaseUrl } = town.program;
  const trusted = join(dataDir, 'authority.pem');
  await writeFile(trusted, authority.cert);
  const all = { ...process.env, DATA_DIR: dataDir, DATABASE_URL: databaseUrl, NODE_EXTRA_CA_CERTS: trusted, ...env };
  return new Promise<{ readonly code: number; readonly said: string }>((resolve) => {
    execFile(process.execPath, ['services/cli/bin/tidings.mjs', ...args], { env: all }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, said: `${stdout}${stderr}` }),
    );
  });
};
const submit = async (to: string): Promise<void> => {
  const mailbox = (await town.as.alice.ask<{ mailboxes: { id: string; address: string }[] }>('GET', '/api/me')).mailboxes[0];
  const answer = await fetch(`${town.program.httpUrl}/api/mailboxes/${mailbox?.id}/submit`, {
    ...{ method: 'POST', body: `From: ${mailbox?.address}\r\nTo: ${to}\r\nSubject: Hello\r\n\r\nHello\r\n` },
    headers: { authorization: `Bearer ${town.as.alice.token}`, 'content-type': 'message/rfc822', 'x-rcpt-to': to },
  });
  expect([answer.status, answer.status === 202 ? '' : await answer.text()]).toEqual([202, '']);
};
const counted = async (): Promise<number> =>
  Number((await database.query<{ n: string }>('select coalesce(sum(sessions), 0) as n from egress.tls_result')).rows[0]?.n);

const today = new Date().toISOString().slice(0, 10);
const reportOn = (domain: string, ok: number, failed: number, details: object = {}): object => ({
  ...{
    'organization-name': 'Tidings',
    'contact-info': 'tls-reports@tidings.test',
    'report-id': expect.stringContaining('@mail.tidings.test'),
  },
  'date-range': { 'start-datetime': `${today}T00:00:00Z`, 'end-datetime': `${today}T23:59:59Z` },
  policies: [
    {
      policy: { 'policy-type': 'no-policy-found', 'policy-domain': domain },
      summary: { 'total-successful-session-count': ok, 'total-failure-session-count': failed },
      ...details,
    },
  ],
});

it('tells each domain that wants to know how TLS with its servers went, once', async () => {
  for (const domain of ['example.org', 'old.example', 'silent.example']) await submit(`bob@${domain}`);
  await Promise.all([modern.taken(2), old.taken(1)]);
  await vi.waitFor(async () => expect(await counted()).toBe(3), soon);

  const { code, said } = await tidings(settings, 'mail', 'tls-report', '--today');
  expect([code, said]).toEqual([0, expect.stringContaining(`${today} example.org: taken by mailto:tls@reports.example\n`)]);
  expect(said).toContain(`${today} old.example: taken by mailto:tls@reports.example\n`);
  expect(said).not.toContain('silent.example');

  expect(posted.map(({ type }) => type)).toEqual(['application/tlsrpt+gzip']);
  const report = JSON.parse(gunzipSync(posted[0]?.body ?? '').toString());
  expect(report).toEqual(reportOn('example.org', 1, 0));

  const mails = modern.mails.filter(({ to }) => to.includes('tls@reports.example'));
  expect(mails.map(({ from }) => from)).toEqual(['', '']);
  const parsed = await Promise.all(mails.map(({ data }) => simpleParser(data)));
  const about = (domain: string) => parsed.find(({ headers }) => headers.get('tls-report-domain') === domain);
  expect(about('example.org')?.attachments[0]?.filename).toMatch(/^mail\.tidings\.test!example\.org!\d+!\d+\.json\.gz$/);
  expect(JSON.parse(gunzipSync(about('example.org')?.attachments[0]?.content ?? '').toString())).toEqual(report);
  const oldReport = JSON.parse(gunzipSync(about('old.example')?.attachments[0]?.content ?? '').toString());
  const detail = { 'receiving-mx-hostname': 'mx.old.example', 'receiving-ip': '127.0.0.2', 'failed-session-count': 1 };
  expect(oldReport).toEqual(reportOn('old.example', 0, 1, { 'failure-details': [{ 'result-type': 'starttls-not-supported', ...detail }] }));
  expect(about('old.example')).toMatchObject({ from: { text: 'tls-reports@tidings.test' } });

  const { rows: keys } = await database.query<{ selector: string; record: string }>(
    `select selector, record from egress.dkim_key where domain = 'tidings.test'`,
  );
  const resolver = async (name: string): Promise<string[][]> => [
    [keys.find(({ selector }) => name === `${selector}._domainkey.tidings.test`)?.record ?? ''],
  ];
  const { results } = await dkimVerify(Buffer.from(mails[0]?.data ?? ''), { resolver });
  expect(results.map(({ status }) => status.result)).toEqual(['pass', 'pass']);

  // What was reported is over, and nothing is told of how the reports themselves went.
  expect(await counted()).toBe(0);
  expect(await tidings(settings, 'mail', 'tls-report', '--today')).toEqual({ code: 0, said: 'There is nothing to report.\n' });
});

it('says what is missing, or wrong', async () => {
  const [nobody, elsewhere] = await Promise.all([
    tidings({}, 'mail', 'tls-report'),
    tidings({ ...settings, EGRESS_TLS_REPORTS_CONTACT: 'tls@example.org' }, 'mail', 'tls-report'),
  ]);
  expect(nobody).toEqual({ code: 1, said: expect.stringContaining('set EGRESS_TLS_REPORTS_ORGANIZATION') });
  expect(elsewhere).toEqual({ code: 1, said: expect.stringContaining('EGRESS_TLS_REPORTS_CONTACT must be at one of MAIL_DOMAINS') });
});
