/**
 * Where we may call (SSRF): addresses that users and administrators give must not lead into the network we run in. What counts is the address
 * a name resolves to as the connection is made, so a name that changes its mind between two look-ups gains nothing.
 */
import { lookup as resolve } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { Config } from '../config/config.ts';

export interface Guard {
  /** Private, loopback and link-local addresses are allowed. */
  readonly allowPrivate: boolean;
  /** `http:` is allowed beside `https:`. */
  readonly allowHttp: boolean;
}

/** As configured: plain `http:` is for development alone. */
export const guardOf = ({ environment, outbound }: Pick<Config, 'environment' | 'outbound'>): Guard => ({
  allowPrivate: outbound.allowPrivate,
  allowHttp: environment === 'development',
});

/** The address is none that we call. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused';
}

/** Globally reachable unicast, and nothing that only wraps another address (NAT64, 6to4, Teredo); mapped IPv4 counts as what it maps. */
export const isPublicAddress = (address: string): boolean => ipaddr.isValid(address) && ipaddr.process(address).range() === 'unicast';

/** What is wrong with a URL as it is written, in words that go behind the field's name; null when nothing is. */
export const faultOfUrl = (text: string, guard: Guard): string | null => {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null) return 'must be a URL';
  if (url.protocol !== 'https:' && !(guard.allowHttp && url.protocol === 'http:')) {
    return `must begin with ${guard.allowHttp ? 'https:// or http://' : 'https://'}`;
  }
  if (url.username !== '' || url.password !== '') return 'must hold no user name and no password';
  return faultOfAddress(hostOf(url), guard);
};

/** The same of a host by itself: a name or an address. */
export const faultOfHost = (host: string, guard: Guard): string | null => {
  if (isIP(host) === 0 && !/^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?$/i.test(host))
    return 'must be a host name or an address';
  return faultOfAddress(host, guard);
};

const faultOfAddress = (host: string, guard: Guard): string | null => {
  if (guard.allowPrivate) return null;
  return (isIP(host) !== 0 ? !isPublicAddress(host) : /(^|\.)localhost\.?$/.test(host)) ? 'must be at a public address' : null;
};

/** Of a bracketed IPv6 address, what is inside. */
export const hostOf = (url: URL): string => url.hostname.replace(/^\[(.*)\]$/, '$1');

/** As `dns.lookup`, with nothing but public addresses in its answer. For `connect`; literal addresses never come here (see `faultOfUrl`). */
export const guardedLookup =
  (guard: Guard): LookupFunction =>
  (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) {
        callback(error, '', 0);
        return;
      }
      const allowed = guard.allowPrivate ? found : found.filter(({ address }) => isPublicAddress(address));
      const [first] = allowed;
      if (first === undefined) callback(new AddressRefused(`${hostname} is at no public address`), '', 0);
      else if (options.all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
