/** How receivers know that a call is ours, whole and recent: HMAC-SHA256 over timestamp and body, as `Tidings-Signature: v1=<hex>`. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** For those who bring none of their own. */
export const newSecret = (): string => `whsec_${randomBytes(32).toString('base64url')}`;

/** @param timestamp seconds since the epoch, as in `Tidings-Timestamp` */
export const sign = (secret: string, timestamp: string, body: string): string =>
  `v1=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`;

/** What a receiver does: compare in constant time, and refuse what is older than a few minutes. */
export const isSignedBy = (secret: string, timestamp: string, body: string, signature: string): boolean => {
  const expected = Buffer.from(sign(secret, timestamp, body));
  const given = Buffer.from(signature);
  return expected.length === given.length && timingSafeEqual(expected, given);
};
