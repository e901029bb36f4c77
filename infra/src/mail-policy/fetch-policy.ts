/**
 * The file of an MTA-STS policy (RFC 8461 §3.3): over HTTPS with a certificate for its host, no redirects, small, within a time. Whoever we write to
 * chooses the host, so it is called only at addresses that we call.
 */
import https from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { LookupFunction } from 'node:net';
import { rootCertificates } from 'node:tls';
import { type Dns, type DnsRecord, DnsFailure } from '@tidings/contracts/ports/dns';
import { AddressRefused } from '../webhooks/guard.ts';

export interface FetchPolicyOptions {
  readonly dns: Pick<Dns, 'resolve'>;
  readonly mayCall: (address: string) => boolean;
  /** For all of it. */
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
  readonly port?: number;
  /** Certificate authorities beside those that everybody trusts, in PEM. */
  readonly trusted?: readonly string[];
}

/** @throws Error that says what is wrong with the answer; what Node's sockets and TLS throw; AddressRefused; DnsFailure */
export const policyFetcher = (options: FetchPolicyOptions): ((domain: string) => Promise<string>) => {
  const { timeoutMs = 20_000, maxBytes = 64 * 1024, port = 443, trusted = [] } = options;
  const lookup = lookupBy(options);
  return async (domain) => {
    const hostname = `mta-sts.${domain}`;
    if (!/^[a-z0-9_.-]+$/.test(domain)) throw new AddressRefused(`${hostname} is no host name`);
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = https.request({
        ...{ hostname, port, path: '/.well-known/mta-sts.txt', agent: false, lookup, signal },
        ...(trusted.length === 0 ? {} : { ca: [...rootCertificates, ...trusted] }),
        headers: { 'user-agent': 'Tidings', accept: 'text/plain', 'accept-encoding': 'identity' },
      });
      request.on('error', reject).on('response', resolve).end();
    });
    try {
      return await read(response, hostname, maxBytes);
    } finally {
      response.destroy();
    }
  };
};

const read = async (response: IncomingMessage, hostname: string, maxBytes: number): Promise<string> => {
  if (response.statusCode !== 200) throw new Error(`${hostname} answered ${response.statusCode}`);
  const type = response.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'text/plain') throw new Error(`${hostname} sent ${type ?? 'nothing typed'} where text/plain is due`);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    // no encoding is set
    length += chunk.length;
    if (length > maxBytes) throw new Error(`${hostname} sent more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
};

/** As `dns.lookup`, by the servers that are configured, with nothing but addresses that we call in its answer. */
const lookupBy =
  ({ dns, mayCall }: Pick<FetchPolicyOptions, 'dns' | 'mayCall'>): LookupFunction =>
  (hostname, { all }, callback) => {
    const none = (error: Error): void => callback(error, '', 0);
    Promise.all([addresses(dns, hostname, 'A'), addresses(dns, hostname, 'AAAA')]).then(([four, six]) => {
      const found = [...four.map((address) => ({ address, family: 4 })), ...six.map((address) => ({ address, family: 6 }))];
      const allowed = found.filter(({ address }) => mayCall(address));
      const [first] = allowed;
      if (first === undefined) return none(new AddressRefused(`${hostname} is at no ${found.length === 0 ? '' : 'public '}address`));
      if (all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    }, none);
  };

/** None when this family has none, or does not answer: the other may. */
const addresses = async (dns: Pick<Dns, 'resolve'>, name: string, type: 'A' | 'AAAA'): Promise<readonly string[]> => {
  try {
    return (await dns.resolve(name, type)).filter((record: DnsRecord) => typeof record === 'string');
  } catch (error) {
    if (error instanceof DnsFailure) return [];
    throw error;
  }
};
