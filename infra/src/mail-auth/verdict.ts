/** What the library found, in the words of the contract. Pure. */
import type { Authentication } from '@tidings/contracts/events/email';

type Check = Authentication['dkim'];

/** What is looked at of mailauth's findings. `dmarc` is null when the mail has no single author domain (RFC 9989 §5.3.1). */
export interface Findings {
  readonly spf: { readonly result: string; readonly domain: string } | null;
  readonly dkim: readonly { readonly result: string; readonly aligned: boolean }[];
  readonly dmarc: { readonly result: string; readonly policy: string } | null;
  /** `sealer` signed the newest seal of a chain; `dmarc` is what it says that it saw. */
  readonly arc: { readonly result: string; readonly sealer: string; readonly dmarc: string } | null;
  readonly authorDomain: string | null;
  /** Some question to DNS stayed unanswered: nothing that follows from its answer is known. */
  readonly unanswered: boolean;
}

export interface VerdictRules {
  /** Domains that forward for our users and are believed (RFC 8617 §7.2.1). */
  readonly trustedSealers: readonly string[];
}

export const verdictOf = (found: Findings, { trustedSealers }: VerdictRules): Authentication => {
  const { unanswered } = found;
  const spf = checkOf(found.spf?.result);
  const dkim: Check = found.dkim.some(({ result }) => result === 'pass')
    ? 'pass'
    : !unanswered && found.dkim.some(({ result }) => FAILED_SIGNATURE.has(result))
      ? 'fail'
      : 'none';
  const dmarc = failsOnly(checkOf(found.dmarc?.result), unanswered);
  const arc = failsOnly(checkOf(found.arc?.result), unanswered);
  return { spf, dkim, dmarc, arc, verdict: verdict(found, { spf, dkim, dmarc, arc }, trustedSealers) };
};

const checkOf = (result: string | undefined): Check => (result === 'pass' || result === 'fail' || result === 'softfail' ? result : 'none'); // neutral, temperror, permerror: nothing to go by

/** A body that was changed is `neutral` to the library, as is a key that is gone (RFC 8601 §2.7.1). */
const FAILED_SIGNATURE = new Set(['fail', 'neutral', 'permerror', 'policy']);

const failsOnly = (check: Check, unanswered: boolean): Check => (check === 'fail' && unanswered ? 'none' : check);

const verdict = (
  found: Findings,
  checks: Omit<Authentication, 'verdict'>,
  trustedSealers: readonly string[],
): Authentication['verdict'] => {
  if (checks.dmarc === 'pass') return 'pass';
  const vouchedFor = checks.arc === 'pass' && found.arc?.dmarc === 'pass' && trustedSealers.includes(found.arc.sealer.toLowerCase());
  if (vouchedFor) return 'pass';
  // SPF was not asked for a peer in our own network: a missing signature then says nothing.
  if (checks.dmarc === 'fail') return found.spf !== null && found.dmarc !== null && found.dmarc.policy !== 'none' ? 'forged' : 'none';
  if (found.dmarc === null || found.dmarc.result !== 'none' || found.authorDomain === null) return 'none';
  // The domain publishes no policy: its signature or its list of senders says the same in most cases.
  if (found.dkim.some(({ result, aligned }) => result === 'pass' && aligned)) return 'pass';
  const ownSpf = found.spf !== null && found.spf.domain.toLowerCase() === found.authorDomain;
  if (!ownSpf) return 'none';
  return checks.spf === 'pass' ? 'pass' : checks.spf === 'fail' && !found.unanswered ? 'forged' : 'none';
};
