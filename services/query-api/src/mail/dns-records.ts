/** What DNS must say of a domain whose mail we take, and what it says (mail-contract §3). */
import type { DomainRecord } from '@tidings/contracts/http/domains';
import { type Dns, type DnsRecord, isAbsence } from '@tidings/contracts/ports/dns';
import type { PublishedKey } from '@tidings/infra/dkim/keys';

interface Wanted {
  readonly kind: DomainRecord['kind'];
  readonly type: DomainRecord['type'];
  readonly name: string;
  /** As one would write it into the zone; null for what we do not ask for. */
  readonly expected: string | null;
  /** Whether a record is one of this kind; other text at the same name is none of its business. */
  readonly isOne: (found: string) => boolean;
  readonly isRight: (found: string) => boolean;
  /** More than one is a fault, whatever they say. */
  readonly alone?: true;
}

const wantedOf = (domain: string, host: string, keys: readonly PublishedKey[]): readonly Wanted[] => [
  {
    kind: 'MX',
    type: 'MX',
    name: domain,
    expected: `10 ${host}`,
    isOne: () => true,
    isRight: (found) => found.split(' ')[1] === host,
  },
  {
    // RFC 7208 §3.2: more than one SPF record is a permanent error.
    kind: 'SPF',
    type: 'TXT',
    name: domain,
    expected: 'v=spf1 mx -all',
    isOne: (found) => /^v=spf1( |$)/i.test(found),
    isRight: (found) =>
      found
        .toLowerCase()
        .split(/ +/)
        .some((term) => SPF_OF_MX.test(term) || term === `a:${host}` || term === `+a:${host}`),
    alone: true,
  },
  ...keys.map(({ selector, record }): Wanted => ({
    ...{ kind: 'DKIM', type: 'TXT', name: `${selector}._domainkey.${domain}`, expected: record },
    isOne: () => true,
    isRight: (found) => publicKeyIn(found) === publicKeyIn(record),
  })),
  {
    // RFC 7489 §6.3: `p` is required.
    kind: 'DMARC',
    type: 'TXT',
    name: `_dmarc.${domain}`,
    expected: `v=DMARC1; p=quarantine; rua=mailto:postmaster@${domain}`,
    isOne: (found) => /^v=DMARC1\s*;/.test(found),
    isRight: (found) => /;\s*p=(none|quarantine|reject)\s*(;|$)/i.test(found),
    alone: true,
  },
  {
    // RFC 8461 §3.1. The policy itself is served by https://mta-sts.<domain>/, which is not ours.
    kind: 'MTA-STS',
    type: 'TXT',
    name: `_mta-sts.${domain}`,
    expected: null,
    isOne: (found) => /^v=STSv1\s*;/.test(found),
    isRight: (found) => /;\s*id=[A-Za-z0-9]{1,32}\s*(;|$)/.test(found),
    alone: true,
  },
];
const SPF_OF_MX = /^\+?mx$/;
const publicKeyIn = (record: string): string | undefined => /(?:^|;)\s*p=([A-Za-z0-9+/=\s]*)/.exec(record)?.[1]?.replace(/\s/g, '');

/** All at once; a record about which nobody answers in time is `unknown`. */
export const checkRecords = (dns: Dns, domain: string, host: string, keys: readonly PublishedKey[]): Promise<readonly DomainRecord[]> =>
  Promise.all(wantedOf(domain, host, keys).map((wanted) => check(dns, wanted)));

const check = async (dns: Dns, wanted: Wanted): Promise<DomainRecord> => {
  const { kind, type, name, expected } = wanted;
  try {
    const found = (await dns.resolve(name, type)).map(textOf).filter((one) => wanted.isOne(one));
    return { kind, type, name, expected, found, status: statusOf(wanted, found) };
  } catch (error) {
    return { kind, type, name, expected, found: [], status: isAbsence(error) ? 'missing' : 'unknown' };
  }
};

const statusOf = ({ isRight, alone }: Wanted, found: readonly string[]): DomainRecord['status'] => {
  if (found.length === 0) return 'missing';
  return found.some(isRight) && !(alone === true && found.length > 1) ? 'ok' : 'different';
};

const textOf = (record: DnsRecord): string => {
  if (typeof record === 'string') return record;
  // RFC 7208 §3.3: the pieces of one text record belong together without anything between.
  return 'exchange' in record ? `${record.priority} ${record.exchange.toLowerCase().replace(/\.$/, '')}` : record.join('');
};
