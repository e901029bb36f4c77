/** Questions to the domain name system. Tests answer them from a table (`infra/dns/zone`), so that none needs a network. */

export type DnsType = 'A' | 'AAAA' | 'CNAME' | 'MX' | 'NS' | 'PTR' | 'SRV' | 'TLSA' | 'TXT';

/** As `node:dns` gives them: text records in pieces, exchanges with their preference, the rest as text. */
export type DnsRecord = string | readonly string[] | { readonly exchange: string; readonly priority: number };

/**
 * `ENOTFOUND` (no such name) and `ENODATA` (no such record) are answers, and may be relied on; any other code means that nobody answered in
 * time or at all.
 */
export class DnsFailure extends Error {
  override readonly name = 'DnsFailure';
  readonly code: string;
  constructor(code: string, type: DnsType, domain: string) {
    super(`${type} ${domain}: ${code}`);
    this.code = code;
  }
}

export const isAbsence = (error: unknown): boolean =>
  error instanceof DnsFailure && (error.code === 'ENOTFOUND' || error.code === 'ENODATA');

export interface Dns {
  /** @throws DnsFailure */
  resolve(domain: string, type: DnsType): Promise<readonly DnsRecord[]>;
  /** Questions on their way are given up. */
  close(): void;
}
