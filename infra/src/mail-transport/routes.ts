/** By which way the mail of a domain goes. */
import { domainToASCII } from 'node:url';
import type { TlsDemand } from './smtp-session.ts';

export interface Relay {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsDemand;
  readonly credentials: { readonly user: string; readonly pass: string } | null;
}

/** Null: directly, to the exchangers of the domain. */
export type Routes = (domain: string) => Relay | null;

/**
 * `smtp://user:pass@host:port`, `smtps://…`. With a password TLS and a certificate that names the host are demanded, because it would be told to
 * whoever answers; `?tls=opportunistic` or `?tls=none` waives that, `?tls=verify` asks for it without one.
 * @returns undefined for what is no such URL
 */
export const relayOf = (text: string): Relay | undefined => {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const implicit = url.protocol === 'smtps:';
  if ((!implicit && url.protocol !== 'smtp:') || url.hostname === '' || !['', '/'].includes(url.pathname)) return undefined;
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const user = decodeURIComponent(url.username);
  const credentials = user === '' ? null : { user, pass: decodeURIComponent(url.password) };
  const tls = demandOf(url.searchParams.get('tls'), implicit, credentials !== null);
  return tls === undefined
    ? undefined
    : { host, port: Number(url.port) || (implicit ? 465 : credentials === null ? 25 : 587), tls, credentials };
};

const demandOf = (asked: string | null, implicit: boolean, secret: boolean): TlsDemand | undefined => {
  if (implicit) return asked === null || asked === 'verify' ? { type: 'verified', implicit, by: 'verified' } : undefined;
  switch (asked ?? (secret ? 'verify' : 'opportunistic')) {
    case 'verify':
      return { type: 'verified', by: 'verified' };
    case 'opportunistic':
      return { type: 'opportunistic' };
    case 'none':
      return { type: 'none' };
    default:
      return undefined;
  }
};

/** The domain of an address in the form that DNS knows; null when there is none. */
export const domainIn = (address: string): string | null => {
  const domain = address
    .slice(address.lastIndexOf('@') + 1)
    .trim()
    .toLowerCase();
  if (!address.includes('@') || domain === '') return null;
  if (/^\[[0-9a-z:.]+\]$/.test(domain) || /^[\0-\x7f]*$/.test(domain)) return domain;
  const ascii = domainToASCII(domain);
  return ascii === '' ? null : ascii;
};
