/** `POST /gateway/inbound`: the seed's JSON, signed with a secret that both know. */
import { decode } from '@tidings/contracts/codec';
import { InboundEmail } from '@tidings/contracts/http/gateway-inbound';
import * as E from 'fp-ts/lib/Either.js';
import { ApiError, invalid } from '../../../../http-kit/src/errors.ts';
import { addressesIn, type Delivery, fromBase64, type Headers, isHmac, jsonIn, rebuilt, saidBy } from './delivery.ts';
import type { Door, InboundRequest } from './door.ts';

const WINDOW_MS = 300_000;

/** With a timestamp the signature covers `timestamp.body`, and is good for five minutes. */
export const seedDoor = (secrets: readonly string[]): Door => ({
  name: 'webhook',
  types: /^application\/json\b/i,
  authenticate: ({ body, header, now }) => {
    const given = (header('x-webhook-signature') ?? '').trim().replace(/^sha256=/i, '');
    const timestamp = header('x-webhook-timestamp');
    const signed = timestamp === null ? body : Buffer.concat([Buffer.from(`${timestamp}.`), body]);
    if (!secrets.some((secret) => isHmac(secret, signed, given))) throw unsigned('X-Webhook-Signature is not that of this body.');
    if (timestamp !== null && !isRecent(timestamp, now)) throw unsigned('X-Webhook-Timestamp is more than five minutes away.');
  },
  read: async ({ body }: InboundRequest): Promise<Delivery> => {
    const decoded = decode(InboundEmail, jsonIn(body));
    if (E.isLeft(decoded)) throw invalid(decoded.left);
    const { from, to, cc = null, subject = '', text = null, html = null, headers = {}, attachments = [], envelope } = decoded.right;
    const [author] = addressesIn(from);
    if (author === undefined) throw invalid([{ path: 'from', message: 'must be an email address' }]);
    const list: Headers = Object.entries(headers).flatMap(([name, value]) => [value].flat().map((one) => [name, one] as const));
    const files = attachments.map(({ filename = null, content, contentType = null }, at) => ({
      ...{ filename, contentType, content: fromBase64(content, `attachments.${at}.content`) },
    }));
    const mailFrom = envelope?.from ?? author;
    const rcptTo = envelope?.to ?? [...addressesIn(to), ...addressesIn(cc ?? '')];
    const raw = await rebuilt({ from, to, cc, subject: subject ?? '', text, html, headers: list, files });
    return { raw, mailFrom, rcptTo, said: saidBy(list, mailFrom, author) };
  },
});

/** In seconds or milliseconds since the epoch, or a date of RFC 3339. */
export const isRecent = (timestamp: string, now: number): boolean => {
  const number = /^\d{10,13}$/.test(timestamp) ? Number(timestamp) * (timestamp.length === 10 ? 1000 : 1) : Date.parse(timestamp);
  return Math.abs(now - number) <= WINDOW_MS;
};

export const unsigned = (message: string): ApiError => new ApiError('UNAUTHORIZED', message);
