/** Aggregate reports about TLS (RFC 8460): where a domain wants them, and what stands in one. Pure. */
import { timestamp } from '@tidings/contracts/time';
import type { AppliedPolicy, FailureType } from './result.ts';

/** `mailto:` and `https:` URIs of a TLSRPT record (§3); null for a text that is none. */
export const destinationsIn = (record: string): readonly string[] | null => {
  const [version, ...fields] = record.split(';').map((field) => field.trim());
  if (version !== 'v=TLSRPTv1') return null;
  const rua = fields.find((field) => /^rua\s*=/.test(field));
  if (rua === undefined) return null;
  const uris = rua
    .slice(rua.indexOf('=') + 1)
    .split(',')
    .map((uri) => uri.trim().replaceAll(/%2c|%21|%3b/gi, decodeURIComponent));
  return uris.filter((uri) => /^(mailto|https):/i.test(uri));
};

/** The address that a `mailto:` URI names; null for any other URI. */
export const addressIn = (uri: string): string | null => {
  const [, address = ''] = /^mailto:([^?]+)/i.exec(uri) ?? [];
  try {
    return address === '' ? null : decodeURIComponent(address);
  } catch (error) {
    if (error instanceof URIError) return null;
    throw error;
  }
};

/** Sessions that went the same way. */
export interface Counted {
  readonly policy: AppliedPolicy | null;
  readonly host: string | null;
  readonly address: string | null;
  /** Null: as it should be. */
  readonly failure: FailureType | null;
  readonly words: string;
  readonly count: number;
}

export interface ReportAbout {
  readonly domain: string;
  /** `YYYY-MM-DD`, in UTC. */
  readonly day: string;
  readonly reportId: string;
  readonly organization: string;
  readonly contact: string;
}

/** Of each policy: more ways in which it failed are not told one by one. */
const MOST_DETAILS = 100;

/** The report in the form of §4.4. */
export const reportOf = ({ domain, day, reportId, organization, contact }: ReportAbout, counted: readonly Counted[]): object => ({
  'organization-name': organization,
  'date-range': { 'start-datetime': beginOf(day), 'end-datetime': endOf(day) },
  'contact-info': contact,
  'report-id': reportId,
  policies: [...Map.groupBy(counted, ({ policy }) => JSON.stringify(policy)).values()].map((those) => {
    const failed = those.filter(({ failure }) => failure !== null).toSorted((a, b) => b.count - a.count);
    return {
      policy: policyOf(those[0]?.policy ?? null, domain),
      summary: {
        'total-successful-session-count': sum(those.filter(({ failure }) => failure === null)),
        'total-failure-session-count': sum(failed),
      },
      ...(failed.length === 0 ? {} : { 'failure-details': failed.slice(0, MOST_DETAILS).map(detailOf) }),
    };
  }),
});

/** §5.1: what the file is called, without its folder. */
export const fileNameOf = (reporter: string, { domain, day }: Pick<ReportAbout, 'domain' | 'day'>): string =>
  `${reporter}!${domain}!${secondsOf(beginOf(day))}!${secondsOf(endOf(day))}.json.gz`;

const policyOf = (policy: AppliedPolicy | null, domain: string): object =>
  policy === null
    ? { 'policy-type': 'no-policy-found', 'policy-domain': domain }
    : {
        ...{ 'policy-type': policy.type, 'policy-string': policy.strings, 'policy-domain': domain },
        ...(policy.mx.length === 0 ? {} : { 'mx-host': policy.mx }),
      };

const detailOf = ({ failure, host, address, count, words }: Counted): object => ({
  'result-type': failure,
  ...(host === null ? {} : { 'receiving-mx-hostname': host }),
  ...(address === null ? {} : { 'receiving-ip': address }),
  'failed-session-count': count,
  ...(words === '' ? {} : { 'failure-reason-code': words }),
});

const sum = (counted: readonly Counted[]): number => counted.reduce((total, { count }) => total + count, 0);
const beginOf = (day: string): string => `${day}T00:00:00Z`;
const endOf = (day: string): string => `${day}T23:59:59Z`;
const secondsOf = (at: string): number => Date.parse(at) / 1_000;

/** The day of a moment (milliseconds since the epoch), in UTC as reports count (§4.1). */
export const dayOf = (at: number): string => timestamp(at).slice(0, 10);
