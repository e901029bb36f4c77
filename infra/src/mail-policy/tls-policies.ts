/**
 * What domains ask of connections to their exchangers: by DANE (RFC 7672) where that says something, else by MTA-STS (RFC 8461 §2: it must not
 * overrule DANE), else nothing, and TLS is taken as it comes.
 */
import type { TlsDemand } from '../mail-transport/smtp-session.ts';
import type { AppliedPolicy, TlsFailure } from '../tls-report/result.ts';
import type { DaneOf } from './dane.ts';
import { type MtaSts, stsDemand } from './mta-sts.ts';

/** An exchanger gets no mail now; the reply says by which policy. */
export interface Refusal {
  readonly type: 'refusal';
  readonly reply: string;
  readonly applied?: AppliedPolicy;
  readonly failure: TlsFailure;
}

/** Of a domain, then of one of its exchangers. @throws what the memory of policies throws */
export type TlsPolicies = (domain: string) => Promise<(exchanger: string) => Promise<TlsDemand | Refusal>>;

export interface PolicySources {
  readonly dane: ((domain: string) => Promise<DaneOf | null>) | null;
  readonly mtaSts: MtaSts | null;
}

const AS_IT_COMES: TlsDemand = { type: 'opportunistic' };

export const tlsPolicies =
  ({ dane, mtaSts }: PolicySources): TlsPolicies =>
  async (domain) => {
    if (domain.startsWith('[')) return async () => AS_IT_COMES; // an address has no records
    const [daneOf, policy] = await Promise.all([dane?.(domain) ?? null, mtaSts?.(domain) ?? null]);
    return async (exchanger) => (await daneOf?.(exchanger)) ?? (policy === null ? AS_IT_COMES : stsDemand(domain, policy, exchanger));
  };
