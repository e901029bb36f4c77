/** A domain name system in a table, for tests: `{'example.org TXT': ['v=spf1 -all']}`. What is not in it does not exist. */
import { DnsFailure, type Dns, type DnsRecord } from '@tidings/contracts/ports/dns';

export type Zone = Readonly<Record<string, readonly DnsRecord[] | 'ETIMEOUT' | 'ESERVFAIL'>>;

/** Text records may be given whole. `asked` lists what was looked up. */
export const dnsOf = (zone: Zone): Dns & { readonly asked: readonly string[] } => {
  const asked: string[] = [];
  return {
    asked,
    resolve: async (domain, type) => {
      const key = `${domain.toLowerCase()} ${type}`;
      asked.push(key);
      const found = zone[key];
      if (typeof found === 'string') throw new DnsFailure(found, type, domain);
      if (found === undefined || found.length === 0) throw new DnsFailure('ENOTFOUND', type, domain);
      return type === 'TXT' ? found.map((record) => (typeof record === 'string' ? [record] : record)) : found;
    },
    close: () => undefined,
  };
};
