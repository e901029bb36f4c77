/** What every webhook that brings mail comes down to: a mail as bytes, who it was for, and what is said of its author. */
import type { Authentication } from '@tidings/contracts/events/email';
import { alignedResults, receivedSpf } from '@tidings/domain/gateway/authentication-results';
import addressparser from 'nodemailer/lib/addressparser';
import MailComposer from 'nodemailer/lib/mail-composer';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { invalid } from '../../../../http-kit/src/errors.ts';

export interface Delivery {
  readonly raw: Buffer;
  readonly mailFrom: string;
  readonly rcptTo: readonly string[];
  /** Null where the bytes are those of the author, so that signatures can be looked at here. */
  readonly said: Authentication | null;
}

export type Headers = readonly (readonly [name: string, value: string])[];

export interface File {
  readonly filename: string | null;
  readonly content: Buffer;
  readonly contentType: string | null;
}

/** A mail that was taken apart, as its relay tells it. */
export interface Told {
  readonly from: string;
  readonly to: string;
  readonly cc?: string | null;
  readonly subject: string;
  readonly text: string | null;
  readonly html: string | null;
  readonly headers: Headers;
  readonly files: readonly File[];
}

/** What the mail's own lines say already, and what made it of parts must not say twice. */
const OWN = new Set([
  'from',
  'to',
  'cc',
  'bcc',
  'subject',
  'content-type',
  'content-transfer-encoding',
  'mime-version',
  'content-disposition',
]);

/** Put together again: every header that was told, once. */
export const rebuilt = ({ from, to, cc, subject, text, html, headers, files }: Told): Promise<Buffer> => {
  const messageId = headerOf(headers, 'message-id');
  const composer = new MailComposer({
    ...{ from, to, subject, text: text ?? '', attachDataUrls: false, disableFileAccess: true, disableUrlAccess: true },
    ...(cc === undefined || cc === null || cc === '' ? {} : { cc }),
    ...(html === null || html === '' ? {} : { html }),
    headers: headers
      .filter(([name]) => !OWN.has(name.toLowerCase()) && name.toLowerCase() !== 'message-id')
      .map(([key, value]) => ({ key, value: value.replace(/[\r\n]+/g, ' ') })),
    attachments: files.map(({ filename, content, contentType }) => ({
      filename: filename ?? false,
      content,
      ...(contentType === null ? {} : { contentType }),
    })),
  }).compile();
  // Ours would make another mail of each try.
  if (messageId === null) composer.setHeader('Message-ID', []);
  else composer.setHeader('Message-ID', messageId.replace(/[\r\n]+/g, ' '));
  if (headerOf(headers, 'date') === null) composer.setHeader('Date', 'Thu, 01 Jan 1970 00:00:00 +0000');
  return composer.build();
};

/** The first of that name. */
export const headerOf = (headers: Headers, name: string): string | null => headers.find(([one]) => one.toLowerCase() === name)?.[1] ?? null;

/** Bare addresses of an address list. */
export const addressesIn = (list: string): readonly string[] =>
  addressparser(list, { flatten: true }).flatMap(({ address }) => (address === '' ? [] : [address]));

/** What a trusted relay passes on about the author; nobody is authenticated where it passes on nothing. */
export const saidBy = (headers: Headers, mailFrom: string, from: string): Authentication => {
  const results = alignedResults(headerOf(headers, 'authentication-results') ?? '', from);
  if (results !== null) {
    const { authservId: _authservId, ...said } = results;
    return said;
  }
  return receivedSpf(headerOf(headers, 'received-spf') ?? '', mailFrom, from);
};

/** @throws ApiError 400 */
export const fromBase64 = (text: string, path: string): Buffer => {
  const compact = text.replace(/\s+/g, '');
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(compact) || compact.length % 4 === 1) throw invalid([{ path, message: 'must be base64' }]);
  return Buffer.from(compact, 'base64');
};

/** @throws ApiError 400 */
export const jsonIn = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    throw invalid([{ path: '', message: 'must be JSON' }]);
  }
};

/** In a time that tells nothing. @param given in hex, of any case */
export const isHmac = (secret: string, data: string | Uint8Array, given: string): boolean => {
  const made = createHmac('sha256', secret).update(data).digest();
  const bytes = /^[0-9a-f]{64}$/i.test(given) ? Buffer.from(given, 'hex') : Buffer.alloc(0);
  return bytes.byteLength === made.byteLength && timingSafeEqual(bytes, made);
};

export const sameText = (one: string, other: string): boolean => {
  const [a, b] = [one, other].map((text) => createHmac('sha256', 'compare').update(text).digest());
  return a !== undefined && b !== undefined && timingSafeEqual(a, b);
};
