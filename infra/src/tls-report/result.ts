/** How TLS went in one session with another domain's server (RFC 8460 §4), and under which policy of the domain. */

/** RFC 8460 §4.3; those that a sender like us can meet. */
export type FailureType =
  | 'starttls-not-supported'
  | 'certificate-host-mismatch'
  | 'certificate-expired'
  | 'certificate-not-trusted'
  | 'validation-failure'
  | 'dnssec-invalid'
  | 'sts-policy-fetch-error'
  | 'sts-policy-invalid'
  | 'sts-webpki-invalid';

export interface TlsFailure {
  readonly type: FailureType;
  /** In words, for people. */
  readonly words: string;
}

/** What the domain asked for, in the words of its own policy. */
export interface AppliedPolicy {
  readonly type: 'tlsa' | 'sts';
  readonly strings: readonly string[];
  /** Of MTA-STS alone. */
  readonly mx: readonly string[];
}

export interface TlsResult {
  /** In the form that DNS knows. */
  readonly domain: string;
  /** Null: it has none. */
  readonly policy: AppliedPolicy | null;
  /** The exchanger; null where it did not come to that. */
  readonly host: string | null;
  readonly address: string | null;
  /** Null for a session that was encrypted as it should be. */
  readonly failure: TlsFailure | null;
}

/** By what OpenSSL and Node say of a connection that did not come about. */
export const failureIn = (said: string): TlsFailure => {
  const words = said.replace(/[0-9A-F]{8,}:(?=error:)/, '').trim(); // without the number of a thread, which differs each time
  const [, type] = SAYINGS.find(([pattern]) => pattern.test(words)) ?? [];
  return { type: type ?? 'validation-failure', words };
};

/** As sentences, and as the names that Node has for them. */
const SAYINGS: readonly (readonly [RegExp, FailureType])[] = [
  [/upgrading connection with STARTTLS|not support.*STARTTLS/i, 'starttls-not-supported'],
  [/altname|has another name/i, 'certificate-host-mismatch'],
  [/cert(ificate)?[ _]has[ _]expired/i, 'certificate-expired'],
  [/self[-_ ]signed|unable[ _]to[ _](verify|get)|cert(ificate)?[ _]signature[ _]failure/i, 'certificate-not-trusted'],
];
