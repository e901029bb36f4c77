/**
 * The domain name system as the machine, or `DNS_SERVERS`, answers it: each question within a time limit, asked once for all who ask it at the
 * same time, and remembered for a while. When nobody answers any more, nobody is kept waiting either: for some seconds every question fails at
 * once, then one goes out to see.
 */
import { Resolver } from 'node:dns/promises';
import { DnsFailure, isAbsence, type Dns, type DnsRecord, type DnsType } from '@tidings/contracts/ports/dns';
import { atMost } from '../cache/at-most.ts';
import { LRUCache } from 'lru-cache';

export interface DnsOptions {
  /** Addresses, with a port when it is not 53; the machine's own unless given. */
  readonly servers?: readonly string[];
  /** Of one try; there are two. */
  readonly timeoutMs?: number;
  readonly now?: () => number;
}

/** Node does not tell how long text and mail records hold; five minutes is what most say at least. */
const REMEMBER_MS = 300_000;
const REMEMBER_ABSENCE_MS = 60_000;
const REMEMBERED = 20_000;
/** So many failures in a row, and nobody waits for a while. */
const DOWN_AFTER = 4;
const DOWN_MS = 10_000;

type Answer = { readonly records: readonly DnsRecord[] } | { readonly absent: DnsFailure };

/** Asks one question of a server. Behind `remembering`, which is what tests look at. */
export type Ask = (domain: string, type: DnsType) => Promise<readonly DnsRecord[]>;

export const openDns = ({ servers = [], timeoutMs = 1_000, now = Date.now }: DnsOptions = {}): Dns => {
  const resolver = new Resolver({ timeout: timeoutMs, tries: 2 });
  if (servers.length > 0) resolver.setServers(servers);
  const resolve = remembering(async (domain, type) => (await resolver.resolve(domain, type)) as readonly DnsRecord[], now); // the types of `DnsType` give no other shapes
  return { resolve, close: () => resolver.cancel() };
};

/** A good resolver's manners around a plain one. */
export const remembering = (ask: Ask, now: () => number): Dns['resolve'] => {
  const remembered = new LRUCache<string, Answer>({ ...atMost(REMEMBERED), ttl: REMEMBER_MS, ttlResolution: 0, perf: { now } });
  const asking = new Map<string, Promise<Answer>>();
  let failures = 0;
  let downUntil = 0;

  const answer = async (key: string, domain: string, type: DnsType): Promise<Answer> => {
    try {
      const records = await ask(domain, type);
      failures = 0;
      const found: Answer = { records };
      remembered.set(key, found);
      return found;
    } catch (error) {
      const failure = new DnsFailure(codeOf(error), type, domain);
      if (isAbsence(failure)) {
        failures = 0;
        const absent: Answer = { absent: failure };
        remembered.set(key, absent, { ttl: REMEMBER_ABSENCE_MS });
        return absent;
      }
      // A server that says it failed is there; one broken domain must not shut out all others.
      if (UNREACHED.has(failure.code)) failures += 1;
      if (failures >= DOWN_AFTER) downUntil = now() + DOWN_MS;
      throw failure;
    } finally {
      asking.delete(key);
    }
  };

  return async (domain, type) => {
    const key = `${type} ${domain.toLowerCase()}`;
    const known = remembered.get(key);
    if (known === undefined && now() < downUntil) throw new DnsFailure('ETIMEOUT', type, domain);
    if (known === undefined && failures >= DOWN_AFTER) downUntil = now() + DOWN_MS; // this one goes out to see; the others do not wait for it
    const pending = known ?? asking.get(key) ?? answer(key, domain, type);
    if (pending instanceof Promise) asking.set(key, pending);
    const found = await pending;
    if ('absent' in found) throw found.absent;
    if (failures === 0) downUntil = 0;
    return found.records;
  };
};

const UNREACHED = new Set(['ETIMEOUT', 'ECONNREFUSED', 'ECANCELLED', 'ENONAME']);
const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : 'EUNKNOWN';
