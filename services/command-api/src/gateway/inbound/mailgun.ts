/**
 * Mailgun's routes: a form with `timestamp`, `token` and `signature` in it. The signature does not cover the rest, so a token is good for one body:
 * the same call again is taken, another one with its token is refused. 406 makes it stop.
 */
import { createHash } from 'node:crypto';
import { atMost } from '@tidings/infra/cache/at-most';
import { LRUCache } from 'lru-cache';
import { type Delivery, addressesIn, type Headers, headerOf, isHmac, rebuilt, saidBy } from './delivery.ts';
import type { Door, InboundRequest } from './door.ts';
import { FORMS, formIn } from './form.ts';
import { unsigned } from './seed.ts';

/** It tries for eight hours. */
const WINDOW_MS = 12 * 3_600_000;
const TOKENS = 100_000;

export const mailgunDoor = (signingKey: string): Door => {
  /** What came with each token. */
  const seen = new LRUCache<string, string>({ ...atMost(TOKENS), ttl: WINDOW_MS });
  return {
    name: 'mailgun',
    types: FORMS,
    stop: 406,
    authenticate: async (request) => {
      const { field } = await formIn(request);
      const [timestamp, token, signature] = [field('timestamp') ?? '', field('token') ?? '', field('signature') ?? ''];
      if (token === '' || !isHmac(signingKey, timestamp + token, signature)) throw unsigned('The signature is not right.');
      if (!(Math.abs(request.now - Number(timestamp) * 1000) <= WINDOW_MS)) throw unsigned('The signature is too old.');
      const body = await contentOf(request);
      const before = seen.get(token) ?? body;
      if (before !== body) throw unsigned('This token came with another mail.');
      seen.set(token, body);
    },
    read,
  };
};

/** Of all that a form says, whatever the boundaries are called. */
const contentOf = async (request: InboundRequest): Promise<string> => {
  const form = await formIn(request);
  const said = ['recipient', 'sender', 'from', 'subject', 'body-plain', 'body-html', 'body-mime', 'message-headers'].map(form.field);
  const files = (await form.files()).map(({ filename, content }) => [filename, createHash('sha256').update(content).digest('hex')]);
  return createHash('sha256')
    .update(JSON.stringify([said, files]))
    .digest('hex');
};

const read = async (request: InboundRequest): Promise<Delivery> => {
  const { field, files } = await formIn(request);
  const mailFrom = field('sender') ?? '';
  const rcptTo = addressesIn(field('recipient') ?? '');
  const mime = field('body-mime');
  if (mime !== null) return { raw: Buffer.from(mime, 'utf8'), mailFrom, rcptTo, said: null };
  const headers = headersIn(field('message-headers') ?? '[]');
  const from = field('from') ?? field('From') ?? headerOf(headers, 'from') ?? mailFrom;
  const [author = ''] = addressesIn(from);
  const raw = await rebuilt({
    ...{ from, to: headerOf(headers, 'to') ?? rcptTo.join(', '), cc: headerOf(headers, 'cc'), subject: field('subject') ?? '' },
    ...{ text: field('body-plain'), html: field('body-html'), headers, files: await files() },
  });
  // Its own word for SPF, where the standard one is missing.
  const spf = headerOf(headers, 'x-mailgun-spf');
  return { raw, mailFrom, rcptTo, said: saidBy(spf === null ? headers : [...headers, ['received-spf', spf]], mailFrom, author) };
};

const headersIn = (json: string): Headers => {
  try {
    const list: unknown = JSON.parse(json);
    if (!Array.isArray(list)) return [];
    return list.flatMap((pair: unknown): Headers =>
      Array.isArray(pair) && typeof pair[0] === 'string' && typeof pair[1] === 'string' ? [[pair[0], pair[1]]] : [],
    );
  } catch {
    return [];
  }
};
