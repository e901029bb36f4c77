import { type Dns, DnsFailure } from '@tidings/contracts/ports/dns';
import type { MailTransport, Transmission } from '@tidings/contracts/ports/mail-transport';
import { openPool } from '@tidings/infra/postgres/pools';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createTestDatabase } from '../../../tests/kit/postgres.ts';
import { migrateEgress } from './migrations.ts';
import { countTls } from './tls-counts.ts';
import { type TlsReportParts, tlsReports } from './tls-reports.ts';

const logger = pino({ level: 'silent' });
const HOUR_MS = 3_600_000;
const NOON = Date.parse('2026-11-29T12:00:00Z');
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

let now: number;
let sent: string[];
/** What the server of reports says. */
let answer: Transmission;
beforeEach(async () => {
  await pool.query('truncate egress.tls_result, egress.tls_report');
  [now, sent] = [NOON, []];
  answer = { type: 'delivered', host: 'mx', tls: null, reply: '250 ok' };
});

const transport: Pick<MailTransport, 'send'> = {
  send: async ({ recipients }) => {
    sent.push(...recipients);
    return new Map(recipients.map((one) => [one, answer]));
  },
};
const refused = (reply: string): Transmission => ({ type: 'refused', later: reply.startsWith('4'), host: 'mx', reply });
const dnsOf =
  (record: string | null): Pick<Dns, 'resolve'>['resolve'] =>
  async () => {
    if (record === null) throw new DnsFailure('ESERVFAIL', 'TXT', '_smtp._tls.example.org');
    return [[record]];
  };
const reports = (more: Partial<TlsReportParts> = {}) =>
  tlsReports({
    ...{ pool, dns: { resolve: dnsOf('v=TLSRPTv1; rua=mailto:tls@example.org') }, host: 'mail.tidings.test', now: () => now },
    transport: { ...transport, route: (domain) => domain, close: async () => undefined },
    caller: { post: async () => ({ status: 500, retryAfterMs: null }) },
    ...{ sign: async () => '', heldBack: () => null, reporting: { organization: 'Tidings', contact: 'tls@tidings.test' } },
    ...more,
  });
const count = async (...domains: readonly string[]): Promise<void> => {
  const counts = countTls(pool, () => now, logger);
  for (const domain of domains) counts.add({ domain, policy: null, host: 'mx', address: '192.0.2.1', failure: null });
  await counts.close();
};
const counted = async (): Promise<readonly unknown[]> =>
  (await pool.query('select domain, day::text as day, sessions::int as sessions from egress.tls_result order by 1')).rows;

it('counts what went the same way together, and addresses not at all', async () => {
  await count('example.org', 'example.org', 'example.com', '[192.0.2.1]');
  await count('example.org');
  expect(await counted()).toEqual([
    { domain: 'example.com', day: '2026-11-29', sessions: 1 },
    { domain: 'example.org', day: '2026-11-29', sessions: 3 },
  ]);
});

it('makes one report of a day, however many nodes do it', async () => {
  await count('example.org');
  await Promise.all([1, 2, 3].map(() => reports().make('2026-11-29', () => now)));
  const told = await Promise.all([1, 2, 3].map(() => reports().send()));
  expect(told.flat()).toEqual([{ domain: 'example.org', day: '2026-11-29', destination: 'mailto:tls@example.org', fault: null }]);
  expect(sent).toEqual(['tls@example.org']);
});

it('leaves a day alone that is not over, and counts while DNS does not answer; without a wish they go', async () => {
  await count('example.org');
  await reports().make('2026-11-28', () => now);
  await reports({ dns: { resolve: dnsOf(null) } }).make('2026-11-29', () => now);
  expect(await counted()).toHaveLength(1);
  await reports({ dns: { resolve: dnsOf('v=spf1 -all') } }).make('2026-11-29', () => now);
  expect([await counted(), await reports().send()]).toEqual([[], []]);
});

it('tries for a day, every hour; what is refused for good is not tried again', async () => {
  await count('example.org');
  await reports().make('2026-11-29', () => now);
  answer = refused('451 4.3.0 busy');
  for (let tries = 0; tries < 40; tries += 1) {
    await reports().send();
    await reports().send(); // within the hour
    now += HOUR_MS;
  }
  expect(sent).toHaveLength(25);

  now = NOON;
  await count('example.org');
  await reports().make('2026-11-29', () => now);
  answer = refused('550 5.1.1 nobody');
  expect(await reports().send()).toMatchObject([{ fault: '550 5.1.1 nobody' }]);
  expect((await pool.query('select from egress.tls_report')).rowCount).toBe(0);
});

it('says why a report was not taken', async () => {
  await count('example.org');
  const dns = { resolve: dnsOf('v=TLSRPTv1; rua=https://example.org/tls,mailto:nobody,mailto:a@example.org') };
  await reports({ dns }).make('2026-11-29', () => now);
  const told = await reports({ dns, heldBack: () => 'held' }).send();
  expect(new Map(told.map(({ destination, fault }) => [destination, fault]))).toEqual(
    new Map([
      ['https://example.org/tls', 'it answered 500'],
      ['mailto:nobody', 'it is no address'],
      ['mailto:a@example.org', 'held'],
    ]),
  );
});
