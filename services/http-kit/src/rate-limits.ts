/**
 * How often one caller may ask: a token bucket for each user and class of request, and for each address that brings invalid tokens. They
 * live in this process's memory, so several nodes allow several times as much, and asking costs no look-up anywhere. A request is counted
 * before its body is read: what is refused has changed nothing, and what was accepted before is found again by the same Idempotency-Key.
 */
import type { Rate, RateClass, RateLimits } from '@tidings/infra/config/rate-limits';
import type { FastifyReply } from 'fastify';
import { TokenBucket } from 'limiter';
import { atMost } from '@tidings/infra/cache/at-most';
import { LRUCache } from 'lru-cache';
import { Counter, type Registry } from 'prom-client';
import { ApiError } from './errors.ts';

/** Who asked longest ago is forgotten first; for them the bucket is full again anyway. */
const REMEMBERED_CALLERS = 100_000;
const METRIC = 'tidings_http_rate_limited_total';

export interface RateLimiter {
  /**
   * Counts one request and says in the answer's headers what is left (draft-ietf-httpapi-ratelimit-headers-06).
   * @param who a user's id, or an address
   * @throws ApiError 429 when nothing is left
   */
  readonly take: (rateClass: RateClass, who: string, reply: FastifyReply) => void;
}

export const createRateLimiter = (limits: RateLimits, metrics: Registry): RateLimiter => {
  const buckets = new LRUCache<string, TokenBucket>(atMost(REMEMBERED_CALLERS));
  const refused =
    (metrics.getSingleMetric(METRIC) as Counter<'class'> | undefined) ?? // registered below, by us alone
    new Counter({ name: METRIC, help: 'Requests refused with 429, by class.', labelNames: ['class'], registers: [metrics] });

  const bucketOf = (key: string, rate: Rate): TokenBucket => {
    const known = buckets.get(key);
    if (known !== undefined) return known;
    const bucket = new TokenBucket({ bucketSize: rate.burst, tokensPerInterval: rate.perSecond, interval: 1000 });
    bucket.content = rate.burst;
    buckets.set(key, bucket);
    return bucket;
  };

  return {
    take: (rateClass, who, reply) => {
      const rate = limits[rateClass];
      if (rate === null) return;
      const bucket = bucketOf(`${rateClass} ${who}`, rate);
      const taken = bucket.tryRemoveTokens(1);
      reply
        .header('ratelimit-limit', rate.burst)
        .header('ratelimit-remaining', Math.floor(bucket.content))
        .header('ratelimit-reset', Math.ceil((rate.burst - bucket.content) / rate.perSecond))
        .header('ratelimit-policy', policyOf(rate));
      if (taken) return;
      refused.inc({ class: rateClass });
      const seconds = Math.max(1, Math.ceil(bucket.getWaitTime(1) / 1000));
      throw new ApiError('RATE_LIMITED', `Too many requests; nothing was changed. Try again in ${seconds} s.`, {
        headers: { 'retry-after': String(seconds) },
      });
    },
  };
};

/** So many to a window, in seconds, and so many at once; a rate below one is told by the window. */
const policyOf = ({ perSecond, burst }: Rate): string => {
  const window = perSecond < 1 ? Math.ceil(1 / perSecond) : 1;
  return `${Math.max(1, Math.round(perSecond * window))};w=${window};burst=${burst}`;
};
