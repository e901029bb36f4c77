/** What one client may hold and begin. A client is an IPv4 address, or the 64-bit network that an IPv6 host has to itself. */
import { isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { TokenBucket } from 'limiter';
import { atMost } from '@tidings/infra/cache/at-most';
import { LRUCache } from 'lru-cache';
import { replies, type Reply } from './reply.ts';

/** Who came longest ago is forgotten first; they may begin as many as ever by then. */
const REMEMBERED = 100_000;

export class Clients {
  readonly #maxSessions: number;
  readonly #perMinute: number;
  readonly #open = new Map<string, number>();
  /** The client of each session that was let in. */
  readonly #inside = new Map<string, string>();
  readonly #begun = new LRUCache<string, TokenBucket>(atMost(REMEMBERED));

  constructor(limits: { readonly maxSessions: number; readonly newPerMinute: number }) {
    this.#maxSessions = limits.maxSessions;
    this.#perMinute = limits.newPerMinute;
  }

  /** @returns why the session may not begin, or null: then it counts until `leave` */
  enter(session: string, address: string): Reply | null {
    const client = clientOf(address);
    if (!this.#bucketOf(client).tryRemoveTokens(1)) return replies.tooManyNewSessions();
    const count = (this.#open.get(client) ?? 0) + 1;
    if (count > this.#maxSessions) return replies.tooManySessions();
    this.#open.set(client, count);
    this.#inside.set(session, client);
    return null;
  }

  /** Nothing for a session that was not let in, or has left. */
  leave(session: string): void {
    const client = this.#inside.get(session);
    if (client === undefined) return;
    this.#inside.delete(session);
    const left = (this.#open.get(client) ?? 1) - 1;
    if (left > 0) this.#open.set(client, left);
    else this.#open.delete(client);
  }

  #bucketOf(client: string): TokenBucket {
    const known = this.#begun.get(client);
    if (known !== undefined) return known;
    const bucket = new TokenBucket({ bucketSize: this.#perMinute, tokensPerInterval: this.#perMinute, interval: 'minute' });
    bucket.content = this.#perMinute;
    this.#begun.set(client, bucket);
    return bucket;
  }
}

/** @param address as smtp-server gives it: IPv4 that came over an IPv6 socket is plain IPv4 already */
export const clientOf = (address: string): string => {
  const bare = address.split('%', 1)[0] ?? '';
  return isIPv6(bare) ? ipaddr.IPv6.networkAddressFromCIDR(`${bare}/64`).toString() : bare;
};
