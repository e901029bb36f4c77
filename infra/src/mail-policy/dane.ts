/**
 * DANE for mail (RFC 7672): TLSA records, signed by DNSSEC all the way, name the certificates of an exchanger. Then TLS is a must, and whoever
 * shows another certificate gets no mail. What is not signed says nothing.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { DnsFailure } from '@tidings/contracts/ports/dns';
import type { Answer, TlsaData } from 'dns-packet';
import type { TlsDemand } from '../mail-transport/smtp-session.ts';
import type { Refusal } from './tls-policies.ts';
import type { ValidatingDns } from './validating-dns.ts';

/** RFC 7671 §2.1: the other two ask for what no mail server has (RFC 7672 §3.1.3). */
const TRUST_ANCHOR = 2;
const END_ENTITY = 3;

/** Of an exchanger: null when DANE has nothing to say of it. Never rejects. */
export type DaneOf = (exchanger: string) => Promise<Extract<TlsDemand, { readonly type: 'dane' }> | Refusal | null>;

/** @returns what DANE says of the exchangers of a domain; null when it is not said in a signed way which they are. Never rejects. */
export const daneFor =
  ({ ask }: ValidatingDns, now: () => number, port = 25) =>
  async (domain: string): Promise<DaneOf | null> => {
    try {
      // Unsigned, anybody could have written their own server in there, with its own certificate (§2.2.1).
      if (!(await ask(domain, 'MX')).secure) return null;
    } catch (error) {
      const refusal = unanswered(error, `which servers take mail for ${domain}`);
      return async () => refusal;
    }
    return async (exchanger) => {
      try {
        const addresses = await Promise.all([ask(exchanger, 'A'), ask(exchanger, 'AAAA')]);
        if (!addresses.every(({ secure }) => secure)) return null; // §2.2.2
        const { secure, records } = await ask(`_${port}._tcp.${exchanger}`, 'TLSA');
        if (!secure || records.length === 0) return null;
        const usable = records.flatMap(tlsaOf).filter(isUsable);
        const names = [exchanger, domain];
        return {
          type: 'dane',
          applied: { type: 'tlsa', strings: records.flatMap(tlsaOf).map(wordsOf), mx: [] },
          // None that can be used: TLS, whoever it is (§2.2).
          accepts: (chain) => usable.length === 0 || isNamed(chain, usable, names, now()),
          because: `The TLSA records of ${exchanger} ask for TLS with the certificate that they name (RFC 7672)`,
        };
      } catch (error) {
        // Somebody on the way may have kept it from us (§2.1.1): without it there is no telling.
        return unanswered(error, `which certificate ${exchanger} shows`);
      }
    };
  };

/** @throws what is no failure of DNS */
const unanswered = (error: unknown, what: string): Refusal => {
  if (!(error instanceof DnsFailure)) throw error;
  const words = `DNS does not tell for sure ${what}: ${error.code}`;
  return {
    ...{ type: 'refusal', reply: `451 4.4.3 ${words} (RFC 7672)` },
    ...{ applied: { type: 'tlsa', strings: [], mx: [] }, failure: { type: 'dnssec-invalid', words } },
  };
};

/** As it is written in a zone (RFC 6698 §2.2). */
const wordsOf = ({ usage, selector, matchingType, certificate }: TlsaData): string =>
  `${usage} ${selector} ${matchingType} ${certificate.toString('hex')}`;

const tlsaOf = (answer: Answer): readonly TlsaData[] => (answer.type === 'TLSA' ? [answer.data] : []);

const DIGESTS: Readonly<Record<number, { readonly name: string; readonly bytes: number }>> = {
  1: { name: 'sha256', bytes: 32 },
  2: { name: 'sha512', bytes: 64 },
};

const isUsable = ({ usage, selector, matchingType, certificate }: TlsaData): boolean =>
  (usage === TRUST_ANCHOR || usage === END_ENTITY) &&
  selector <= 1 &&
  (matchingType === 0 ? certificate.length > 0 : DIGESTS[matchingType]?.bytes === certificate.length);

/** @param chain the server's certificate and those that it sent along, in DER */
const isNamed = (chain: readonly Buffer[], records: readonly TlsaData[], names: readonly string[], now: number): boolean => {
  const certificates = chain.map((der) => new X509Certificate(der));
  const [leaf] = certificates;
  if (leaf === undefined) return false;
  // Of the server's own certificate neither name nor age counts (RFC 7672 §3.1.1).
  if (records.some((record) => record.usage === END_ENTITY && matches(leaf, record))) return true;
  if (!names.some((name) => leaf.checkHost(name, { subject: 'default', partialWildcards: false }) !== undefined)) return false;
  const anchors = records.filter(({ usage }) => usage === TRUST_ANCHOR);
  return certificates.some(
    (one, at) => at > 0 && anchors.some((record) => matches(one, record)) && isPath(certificates.slice(0, at + 1), now),
  );
};

const matches = (certificate: X509Certificate, { selector, matchingType, certificate: wanted }: TlsaData): boolean => {
  const selected = selector === 0 ? certificate.raw : certificate.publicKey.export({ type: 'spki', format: 'der' });
  const digest = DIGESTS[matchingType];
  return (digest === undefined ? selected : createHash(digest.name).update(selected).digest()).equals(wanted);
};

/** Each signed by the next, which is an authority, and none out of its time. */
const isPath = (certificates: readonly X509Certificate[], now: number): boolean =>
  certificates.every((certificate, at) => {
    const issuer = certificates[at + 1];
    const inTime = Date.parse(certificate.validFrom) <= now && now <= Date.parse(certificate.validTo);
    return inTime && (issuer === undefined || (issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)));
  });
