/**
 * Reports about TLS to the domains that want them (RFC 8460): made from the counts of a day that is over, kept until somebody has taken them, and tried
 * for a day. All nodes may do it side by side; the database gives each day of a domain, and each try, to one of them.
 */
import { type Dns, type DnsRecord, DnsFailure, isAbsence } from '@tidings/contracts/ports/dns';
import type { MailTransport } from '@tidings/contracts/ports/mail-transport';
import { timestamp } from '@tidings/contracts/time';
import type { TlsReporting } from '@tidings/infra/config/mail-out';
import { domainIn } from '@tidings/infra/mail-transport/routes';
import { inTransaction } from '@tidings/infra/projector/session';
import { addressIn, dayOf, destinationsIn, reportOf } from '@tidings/infra/tls-report/report';
import type { Caller } from '@tidings/infra/webhooks/caller';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Pool } from 'pg';
import { countedDays, forgetCounts, takeCounts } from './tls-counts.ts';
import { composeReport } from './tls-report-mail.ts';

export interface TlsReportParts {
  readonly pool: Pool;
  readonly dns: Pick<Dns, 'resolve'>;
  /** Without policies: a report is sent whatever TLS does (§3). */
  readonly transport: MailTransport;
  readonly caller: Pick<Caller, 'post'>;
  /** Of our domain's keys; fields to put in front. */
  readonly sign: (mail: Buffer) => Promise<string>;
  /** Why mail to a domain is kept here, null when it is not. */
  readonly heldBack: (domain: string) => string | null;
  readonly reporting: TlsReporting;
  /** How our server calls itself. */
  readonly host: string;
  readonly now: () => number;
}

export interface Sent {
  readonly domain: string;
  readonly day: string;
  /** The URI of the domain's record. */
  readonly destination: string;
  /** Null: it was taken. */
  readonly fault: string | null;
}

export interface TlsReports {
  /**
   * Of each day up to this one (`YYYY-MM-DD`, UTC), to be sent at a time of its own.
   * @param sendAt milliseconds since the epoch
   */
  make(until: string, sendAt: () => number): Promise<void>;
  /** Those whose time has come. */
  send(signal?: AbortSignal): Promise<readonly Sent[]>;
}

const TRIED_FOR_MS = 86_400_000;
const RETRY_MS = 3_600_000;
/** Of a domain's record. */
const MOST_DESTINATIONS = 5;

const KEEP = `
  insert into egress.tls_report (report_id, domain, day, destination, body, next_at, tried_until) values ($1, $2, $3, $4, $5, $6, $7)`;

/** By index tls_report_next. A try counts from its begin on, so that whoever ends in the middle of it does not try at once again. */
const CLAIM = `
  update egress.tls_report r set next_at = $2
  from (select report_id, destination from egress.tls_report where next_at <= $1 order by next_at limit 1 for update skip locked) one
  where r.report_id = one.report_id and r.destination = one.destination
  returning r.report_id as "reportId", r.domain, r.day::text as day, r.destination, r.body,
    (extract(epoch from r.tried_until) * 1000)::float8 as "triedUntil"`;

interface Claimed {
  readonly reportId: string;
  readonly domain: string;
  readonly day: string;
  readonly destination: string;
  readonly body: Buffer;
  /** Milliseconds since the epoch. */
  readonly triedUntil: number;
}

export const tlsReports = (parts: TlsReportParts): TlsReports => {
  const { pool, dns, reporting, now } = parts;

  const makeOne = async (domain: string, day: string, sendAt: number): Promise<void> => {
    const destinations = await wishesOf(dns, domain);
    if (destinations === null) return;
    await inTransaction(pool, async (client) => {
      const counted = await takeCounts(client, domain, day);
      if (counted.length === 0) return; // another node has them
      const reportId = `${randomUUID()}@${parts.host}`;
      const body = await promisify(gzip)(JSON.stringify(reportOf({ domain, day, reportId, ...reporting }, counted)));
      const until = timestamp(sendAt + TRIED_FOR_MS);
      for (const destination of destinations)
        await client.query(KEEP, [reportId, domain, day, destination, body, timestamp(sendAt), until]);
    });
  };

  const sendOne = async (report: Claimed, signal: AbortSignal | undefined): Promise<Sent> => {
    const { reportId, domain, day, destination, triedUntil } = report;
    const { fault, later } = await (destination.toLowerCase().startsWith('https:') ? post(parts, report, signal) : mail(parts, report));
    if (fault === null || !later || triedUntil <= now())
      await pool.query('delete from egress.tls_report where report_id = $1 and destination = $2', [reportId, destination]);
    return { domain, day, destination, fault };
  };

  return {
    make: async (until, sendAt) => {
      await forgetCounts(pool, now());
      for (const { domain, day } of await countedDays(pool, until)) await makeOne(domain, day, sendAt());
    },
    send: async (signal) => {
      const sent: Sent[] = [];
      while (signal?.aborted !== true) {
        const [claimed] = (await pool.query<Claimed>(CLAIM, [timestamp(now()), timestamp(now() + RETRY_MS)])).rows;
        if (claimed === undefined) break;
        sent.push(await sendOne(claimed, signal));
      }
      return sent;
    },
  };
};

/** Where a domain wants reports; none when it wants none; null when DNS does not answer now. */
const wishesOf = async (dns: Pick<Dns, 'resolve'>, domain: string): Promise<readonly string[] | null> => {
  try {
    const found = (await dns.resolve(`_smtp._tls.${domain}`, 'TXT')).flatMap((record) => destinationsIn(textOf(record)) ?? []);
    return [...new Set(found)].slice(0, MOST_DESTINATIONS);
  } catch (error) {
    if (!(error instanceof DnsFailure)) throw error;
    return isAbsence(error) ? [] : null;
  }
};
const textOf = (record: DnsRecord): string => (typeof record === 'object' && !('exchange' in record) ? record.join('') : '');

interface Outcome {
  /** Null: it was taken. */
  readonly fault: string | null;
  /** Worth another try. */
  readonly later: boolean;
}
const TAKEN: Outcome = { fault: null, later: false };

/** §5.2. */
const post = async ({ caller }: TlsReportParts, { destination, body }: Claimed, signal: AbortSignal | undefined): Promise<Outcome> => {
  try {
    const call = { url: destination, headers: { 'content-type': 'application/tlsrpt+gzip' }, body };
    const { status } = await caller.post(call, signal);
    return status >= 200 && status < 300 ? TAKEN : { fault: `it answered ${status}`, later: status >= 500 || status === 429 };
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error), later: true };
  }
};

/** §5.3. From the null sender, so that nothing comes back about it. */
const mail = async (parts: TlsReportParts, { reportId, domain, day, destination, body }: Claimed): Promise<Outcome> => {
  const { transport, sign, heldBack, reporting, host, now } = parts;
  const to = addressIn(destination);
  const domainOfTo = domainIn(to ?? '');
  if (to === null || domainOfTo === null) return { fault: 'it is no address', later: false };
  const held = heldBack(domainOfTo);
  if (held !== null) return { fault: held, later: true };
  const composed = await composeReport({ domain, day, reportId, ...reporting, host, to, body, now: now() });
  const bytes = Buffer.concat([Buffer.from(await sign(composed)), composed]);
  const results = await transport.send(
    {
      ...{ from: '', recipients: [to], size: bytes.length, eightBit: false, utf8Header: false, envelopeId: reportId },
      bytes: async function* () {
        yield bytes;
      },
    },
    async () => true,
  );
  const result = results.get(to);
  if (result?.type === 'delivered') return TAKEN;
  if (result?.type === 'refused') return { fault: result.reply, later: result.later };
  return { fault: 'nobody knows whether it arrived', later: false };
};

/** The day before. */
export const yesterday = (now: number): string => dayOf(now - 86_400_000);
