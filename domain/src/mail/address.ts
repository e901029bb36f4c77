/**
 * The one form in which we compare and keep email addresses (architecture §9). ASCII letters fold to lower case; other letters stay as
 * they are, because only their own domain knows which of them are alike (RFC 6531 §3.2). Domains take their ACE form (RFC 5891).
 */
import type { Id } from '@tidings/contracts/ids';
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import { domainToASCII } from 'node:url';

/** `local@domain`, normalised. */
export type EmailAddress = Id<'EmailAddress'>;

export type AddressFault = 'no-at-sign' | 'bad-local-part' | 'bad-domain' | 'too-long';

// RFC 5321 §4.1.2 and §4.5.3.1, with UTF8-non-ascii of RFC 6531 §3.3.
const DOT_STRING = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\u{10ffff}-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\u{10ffff}-]+)*$/u;
const QUOTED_STRING = /^"((?:[ !#-[\]-~\u0080-\u{10ffff}]|\\[ -~])*)"$/u;
const ADDRESS_LITERAL = /^\[[0-9a-z:.-]{1,80}\]$/i;
const DOMAIN = /^[a-z0-9\u0080-\u{10ffff}.-]+$/iu;
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const ONLY_DIGITS = /^\d+$/;
const MAX_LOCAL_BYTES = 64;
const MAX_ADDRESS_BYTES = 254;

/** Takes a bare address (no display name, no angle brackets) and gives its normal form, or what is wrong with it. */
export const normaliseAddress = (input: string): Either<AddressFault, EmailAddress> => {
  if (input.length > MAX_ADDRESS_BYTES * 4) return left('too-long');
  const at = input.lastIndexOf('@');
  if (at < 0) return left('no-at-sign');
  const local = normaliseLocalPart(input.slice(0, at));
  if (local === null) return left('bad-local-part');
  const domain = normaliseDomain(input.slice(at + 1));
  if (domain === null) return left('bad-domain');
  const address = `${local}@${domain}`;
  const tooLong = Buffer.byteLength(local) > MAX_LOCAL_BYTES || Buffer.byteLength(address) > MAX_ADDRESS_BYTES;
  return tooLong ? left('too-long') : right(address as EmailAddress);
};

export const domainOf = (address: EmailAddress): string => address.slice(address.lastIndexOf('@') + 1);
export const localPartOf = (address: EmailAddress): string => address.slice(0, address.lastIndexOf('@'));

/** Lower-case ACE form; null when it is no domain name. */
export const normaliseDomain = (input: string): string | null => {
  if (ADDRESS_LITERAL.test(input)) return input.toLowerCase();
  // Checked before, because domainToASCII also decodes %41 and reads numbers as IPv4 addresses, as browsers do.
  if (!DOMAIN.test(input)) return null;
  const labels = domainToASCII(input).split('.');
  const last = labels.at(-1) ?? '';
  return labels.every((label) => LABEL.test(label)) && !ONLY_DIGITS.test(last) ? labels.join('.') : null;
};

/** Quotes that are not needed go (RFC 5321 §4.1.2: the quoted form means the same), so `"ann"@x` is `ann@x`. */
const normaliseLocalPart = (input: string): string | null => {
  if (DOT_STRING.test(input)) return lowerAscii(input);
  const content = QUOTED_STRING.exec(input)?.[1]?.replace(/\\(.)/g, '$1');
  if (content === undefined) return null;
  return lowerAscii(DOT_STRING.test(content) ? content : `"${content.replace(/["\\]/g, '\\$&')}"`);
};

const lowerAscii = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
