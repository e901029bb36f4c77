/**
 * MTA-STS (RFC 8461): a domain says, by a file that HTTPS vouches for, which exchangers are its own and that TLS with a good certificate is a must.
 * Records, files and matching are read by mailauth; here is when a policy is fetched, and how long it counts.
 */
import { X509Certificate } from 'node:crypto';
import { createRequire } from 'node:module';
import type { Dns, DnsRecord } from '@tidings/contracts/ports/dns';
import { atMost } from '../cache/at-most.ts';
import { LRUCache } from 'lru-cache';
import type * as Reader from 'mailauth/lib/mta-sts.js';
import type { Logger } from 'pino';
import type { TlsDemand } from '../mail-transport/smtp-session.ts';
import { type AppliedPolicy, failureIn, type TlsFailure } from '../tls-report/result.ts';
import type { Refusal } from './tls-policies.ts';

export interface StsPolicy {
  /** As the TXT record had it when the file was fetched. */
  readonly id: string;
  readonly mode: 'enforce' | 'testing' | 'none';
  /** Names, or `*.` for one label in front. */
  readonly mx: readonly string[];
  readonly fetchedAt: number;
  readonly expiresAt: number;
}

/** Policies count for weeks, so they outlive us: who could hold back DNS or the file for a moment must not get rid of them (§10.2). */
export interface StsMemory {
  load(domain: string): Promise<StsPolicy | null>;
  save(domain: string, policy: StsPolicy): Promise<void>;
}

/** Null for a domain without one. @throws what the memory throws */
export type MtaSts = (domain: string) => Promise<StsPolicy | null>;

export interface MtaStsOptions {
  readonly dns: Pick<Dns, 'resolve'>;
  readonly memory: StsMemory;
  /** The text of the domain's policy file. @throws when it cannot be had */
  readonly fetchPolicy: (domain: string) => Promise<string>;
  readonly now: () => number;
  readonly logger: Pick<Logger, 'warn'>;
  /** A policy that is announced cannot be had. */
  readonly onFailure?: (domain: string, failure: TlsFailure) => void;
}

/** Also a policy that is not announced anew is fetched again each day (§3.3), so that it does not run out. */
const FRESH_MS = 86_400_000;
/** §3.3: no sooner after a failure. */
const AFTER_FAILURE_MS = 300_000;
const REMEMBERED = 20_000;

const load = createRequire(import.meta.url);
/** Much to load, for the first mail to somebody who has a policy. */
const reader = (): typeof Reader => load('mailauth/lib/mta-sts.js') as typeof Reader; // by its own types

export const openMtaSts = ({ dns, memory, fetchPolicy, now, logger, onFailure }: MtaStsOptions): MtaSts => {
  const known = new LRUCache<string, StsPolicy>(atMost(REMEMBERED));
  const failed = new LRUCache<string, true>({ ...atMost(REMEMBERED), ttl: AFTER_FAILURE_MS, ttlResolution: 0, perf: { now } });
  const looking = new Map<string, Promise<StsPolicy | null>>();

  const look = async (domain: string): Promise<StsPolicy | null> => {
    const kept = known.get(domain) ?? (await memory.load(domain));
    const valid = kept !== null && kept.expiresAt > now() ? kept : null;
    if (valid !== null) known.set(domain, valid);
    const id = await announced(domain);
    // Neither a record that is gone nor DNS that does not answer ends a policy before its time (§5.1).
    if (id === null) return valid;
    if (valid?.id === id && now() - valid.fetchedAt < FRESH_MS) return valid;
    if (failed.has(`${domain} ${id}`)) return valid;
    try {
      const policy = policyIn(await fetchPolicy(domain), id, now());
      await memory.save(domain, policy);
      known.set(domain, policy);
      return policy;
    } catch (error) {
      failed.set(`${domain} ${id}`, true);
      onFailure?.(domain, fetchFailure(error));
      logger.warn({ err: error, domain }, 'the MTA-STS policy of a domain could not be fetched');
      return valid;
    }
  };

  /** What the TXT record says, if there is exactly one that is right. */
  const announced = async (domain: string): Promise<string | null> => {
    try {
      const resolver = async (name: string): Promise<string[][]> => (await dns.resolve(name, 'TXT')).map(piecesOf); // it asks for TXT alone
      const id = await reader().resolvePolicy(domain, { resolver, strict: true });
      return id === false ? null : id;
    } catch (error) {
      logger.warn({ err: error, domain }, 'whether a domain has an MTA-STS policy cannot be told');
      return null;
    }
  };

  return (domain) => {
    const pending = looking.get(domain) ?? look(domain).finally(() => looking.delete(domain));
    looking.set(domain, pending);
    return pending;
  };
};

const piecesOf = (record: DnsRecord): string[] => (typeof record === 'object' && !('exchange' in record) ? [...record] : []);

class NoPolicy extends Error {
  override readonly name = 'NoPolicy';
}

/** @throws NoPolicy when the file is none (RFC 8461 §3.2) */
const policyIn = (text: string, id: string, now: number): StsPolicy => {
  try {
    return policyOf(text, id, now);
  } catch (cause) {
    throw new NoPolicy(cause instanceof Error ? cause.message : String(cause), { cause });
  }
};

/** RFC 8460 §4.3.2.2. */
const fetchFailure = (error: unknown): TlsFailure => {
  const words = error instanceof Error ? error.message : String(error);
  if (error instanceof NoPolicy) return { type: 'sts-policy-invalid', words };
  return { type: failureIn(words).type === 'validation-failure' ? 'sts-policy-fetch-error' : 'sts-webpki-invalid', words };
};

const policyOf = (text: string, id: string, now: number): StsPolicy => {
  const { mode, mx = [], maxAge = 0 } = reader().parsePolicy(text, { strict: true });
  if (mode !== 'enforce' && mode !== 'testing' && mode !== 'none') throw new Error('Invalid mode field');
  return { id, mode, mx, fetchedAt: now, expiresAt: now + maxAge * 1_000 };
};

/** What it means for one of the exchangers that DNS names. A policy on trial, and one that was withdrawn, keep no mail back (§5). */
export const stsDemand = (domain: string, policy: StsPolicy, exchanger: string): TlsDemand | Refusal => {
  const { mode, mx } = policy;
  if (mode === 'none') return { type: 'opportunistic' };
  const applied = appliedOf(policy);
  const isNamed = reader().validateMx(exchanger, { mode, mx: [...mx] }).valid;
  const failure: TlsFailure = { type: 'validation-failure', words: `The policy does not name ${exchanger}.` };
  const names = (certificate: Buffer): boolean => isFor(certificate, exchanger);
  if (mode === 'testing') {
    const trial = (certificate: Buffer | undefined): TlsFailure | null => {
      if (!isNamed) return failure;
      return certificate !== undefined && names(certificate) ? null : { type: 'certificate-host-mismatch', words: '' };
    };
    return { type: 'opportunistic', applied, trial };
  }
  if (!isNamed) {
    return {
      ...{ type: 'refusal', reply: `454 4.7.5 The MTA-STS policy of ${domain} does not name ${exchanger} (RFC 8461)` },
      applied,
      failure,
    };
  }
  return {
    ...{ type: 'verified', by: 'mta-sts', applied, names },
    because: `The MTA-STS policy of ${domain} asks for TLS with a certificate for ${exchanger} (RFC 8461)`,
  };
};

/** Line by line as in its file. When it ends is told as we count it: the file says how long it counts. */
const appliedOf = ({ mode, mx, fetchedAt, expiresAt }: StsPolicy): AppliedPolicy => ({
  type: 'sts',
  strings: ['version: STSv1', `mode: ${mode}`, ...mx.map((one) => `mx: ${one}`), `max_age: ${Math.round((expiresAt - fetchedAt) / 1_000)}`],
  mx,
});

/** §4.1: by its alternative names alone, a `*` only for the whole first label. */
const isFor = (certificate: Buffer, host: string): boolean =>
  new X509Certificate(certificate).checkHost(host, { subject: 'never', partialWildcards: false, multiLabelWildcards: false }) !== undefined;
