/** Where the mail of a domain goes (RFC 5321 §5.1, RFC 7505, RFC 974's implicit MX): the exchangers in the order of their preference, with their addresses. */
import { isIP } from 'node:net';
import { type Dns, type DnsRecord, DnsFailure, isAbsence } from '@tidings/contracts/ports/dns';

export interface Exchanger {
  /** Lower case, without the dot at its end. */
  readonly name: string;
  readonly addresses: readonly string[];
}

export type Exchangers =
  | { readonly type: 'found'; readonly exchangers: readonly Exchanger[] }
  /** `later`: DNS did not answer. */
  | { readonly type: 'none'; readonly later: boolean; readonly reply: string };

export interface HostsOptions {
  readonly dns: Dns;
  /** Our own name as an exchanger: what is no more preferred than we are leads back to us. */
  readonly self: string;
  /** Which addresses may be called. */
  readonly mayCall: (address: string) => boolean;
  /** For equal preferences (RFC 5321 §5.1); 0 to 1. */
  readonly random?: () => number;
}

/** No more exchangers are looked up for one mail. */
const MOST_EXCHANGERS = 8;

export const exchangersOf = async (domain: string, { dns, self, mayCall, random = Math.random }: HostsOptions): Promise<Exchangers> => {
  const literal = literalAddress(domain);
  if (literal !== null) {
    return mayCall(literal)
      ? { type: 'found', exchangers: [{ name: literal, addresses: [literal] }] }
      : none(`550 5.1.2 ${domain} is no address that mail is sent to`);
  }
  const records = await ask(dns, domain, 'MX');
  if (records instanceof DnsFailure && !isAbsence(records))
    return none(`451 4.4.3 DNS does not tell where mail for ${domain} goes: ${records.code}`, true);
  const exchanges = records instanceof DnsFailure ? [] : records.filter(isExchange);
  if (exchanges.length === 1 && nameOf(exchanges[0]) === '') return none(`556 5.1.10 ${domain} takes no mail (null MX, RFC 7505)`);

  const names = exchanges.length === 0 ? [domain] : inOrder(exchanges, self, random);
  if (names.length === 0) return none(`554 5.4.6 mail for ${domain} would come back to us: ${self} is its first exchanger`);
  const looked = await Promise.all(names.slice(0, MOST_EXCHANGERS).map(async (name) => ({ name, ...(await addressesOf(dns, name)) })));
  const found = looked
    .map(({ name, addresses }) => ({ name, addresses: addresses.filter(mayCall) }))
    .filter(({ addresses }) => addresses.length > 0);
  if (found.length > 0) return { type: 'found', exchangers: found };
  const failure = looked.find((one) => one.failure !== null)?.failure;
  if (failure != null) return none(`451 4.4.3 DNS does not tell the address of a server for ${domain}: ${failure.code}`, true);
  if (looked.some(({ addresses }) => addresses.length > 0)) return none(`550 5.4.4 the servers of ${domain} are at no public address`);
  return exchanges.length === 0
    ? none(`550 5.1.2 ${domain} does not exist, or takes no mail`)
    : none(`550 5.4.4 no server of ${domain} has an address`);
};

const none = (reply: string, later = false): Exchangers => ({ type: 'none', later, reply });

/** `[192.0.2.1]` and `[IPv6:2001:db8::1]` (RFC 5321 §4.1.3). */
const literalAddress = (domain: string): string | null => {
  const inside = /^\[(?:ipv6:)?([0-9a-f.:]+)\]$/i.exec(domain)?.[1];
  return inside !== undefined && isIP(inside) !== 0 ? inside : null;
};

interface Exchange {
  readonly exchange: string;
  readonly priority: number;
}
const isExchange = (record: DnsRecord): record is Exchange => typeof record === 'object' && 'exchange' in record;
const nameOf = (exchange: Exchange | undefined): string => (exchange?.exchange ?? '').toLowerCase().replace(/\.$/, '');

/** Those of equal preference in any order. From our own place on there is no use in trying. */
const inOrder = (exchanges: readonly Exchange[], self: string, random: () => number): readonly string[] => {
  const own = Math.min(...exchanges.filter((one) => nameOf(one) === self).map(({ priority }) => priority));
  const sorted = exchanges
    .map((one) => ({ name: nameOf(one), priority: one.priority, lot: random() }))
    .filter(({ name, priority }) => name !== '' && priority < own)
    .toSorted((a, b) => a.priority - b.priority || a.lot - b.lot);
  return [...new Set(sorted.map(({ name }) => name))];
};

/** IPv6 before IPv4 (RFC 6724); what one family does not answer, the other may. */
const addressesOf = async (
  dns: Dns,
  name: string,
): Promise<{ readonly addresses: readonly string[]; readonly failure: DnsFailure | null }> => {
  const answers = await Promise.all([ask(dns, name, 'AAAA'), ask(dns, name, 'A')]);
  const addresses = answers.flatMap((answer) => (answer instanceof DnsFailure ? [] : answer.filter((one) => typeof one === 'string')));
  const failure = answers.find((answer): answer is DnsFailure => answer instanceof DnsFailure && !isAbsence(answer)) ?? null;
  return { addresses, failure: addresses.length > 0 ? null : failure };
};

const ask = async (dns: Dns, domain: string, type: 'MX' | 'A' | 'AAAA'): Promise<readonly DnsRecord[] | DnsFailure> => {
  try {
    return await dns.resolve(domain, type);
  } catch (error) {
    if (error instanceof DnsFailure) return error;
    throw error;
  }
};
