/**
 * Addresses of the gateway, asked while the peer waits at RCPT: a token that is forged, expired, revoked or of a conversation that is over is refused there.
 * Whoever guesses tokens is soon told nothing any more.
 */
import { TokenBucket } from 'limiter';
import { atMost } from '@tidings/infra/cache/at-most';
import { LRUCache } from 'lru-cache';
import { openReplyAddresses } from '../../platform/src/gateway/reply-addresses.ts';
import { resolveAddressIn } from '../../platform/src/gateway/resolve.ts';
import type { Platform } from '../../platform/src/platform.ts';
import { clientOf } from './clients.ts';
import type { FindGateway } from './recipients.ts';
import { replies } from './reply.ts';

/** Bad tokens of one client, at once and in an hour. Who answers an old mail sends one. */
const BAD_TOKENS = 60;
const REMEMBERED = 100_000;

export const gatewayAddresses = async (platform: Platform): Promise<FindGateway> => {
  const addresses = await openReplyAddresses(platform);
  const resolve = resolveAddressIn(platform, addresses);
  const { replyDomain } = platform.config.gateway;
  const bad = new LRUCache<string, TokenBucket>(atMost(REMEMBERED));
  const bucketOf = (client: string): TokenBucket => {
    const known = bad.get(client) ?? newBucket();
    bad.set(client, known);
    return known;
  };
  return async (address, { clientAddress }) => {
    const at = address.slice(address.lastIndexOf('@') + 1).toLowerCase();
    const isToken = addresses.tokenIn(address) !== null;
    if (!isToken && (at !== replyDomain || platform.config.mailDomains.includes(replyDomain))) return 'elsewhere';
    if ((await resolve(address)) !== null) return 'good';
    if (isToken && !bucketOf(clientOf(clientAddress)).tryRemoveTokens(1)) throw replies.tooManyBadTokens();
    return 'unknown';
  };
};

const newBucket = (): TokenBucket => {
  const bucket = new TokenBucket({ bucketSize: BAD_TOKENS, tokensPerInterval: BAD_TOKENS, interval: 'hour' });
  bucket.content = BAD_TOKENS;
  return bucket;
};
