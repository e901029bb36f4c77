/**
 * Return paths that find their delivery again: `bounce+TOKEN@domain`, where the token names the email and its recipient and carries a MAC, so that
 * nobody can make one up. Base32 without case, 42 characters: it survives servers that fold the case of a local part, and is within its 64 octets
 * (RFC 5321 §4.5.3.1.1).
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { derivedId, type EmailId, type SubjectId } from '@tidings/contracts/ids';
import type { SubjectKeys } from '@tidings/contracts/ports/subject-keys';
import { base32, fromBase32 } from '@tidings/domain/mail/base32';
import { parse, stringify } from 'uuid';

/** `recipient` is null for a transmission to several. */
export interface Returning {
  readonly emailId: EmailId;
  readonly recipient: number | null;
}

const PREFIX = 'bounce+';
const ALL = 0xffff;
const EMAIL_BYTES = 16;
const NAME_BYTES = EMAIL_BYTES + 2;
const MAC_BYTES = 8;

export const returnPathOf = (secret: Uint8Array, { emailId, recipient }: Returning, domain: string): string => {
  const name = Buffer.alloc(NAME_BYTES);
  name.set(parse(emailId));
  name.writeUInt16BE(recipient ?? ALL, EMAIL_BYTES);
  return `${PREFIX}${base32(Buffer.concat([name, macOf(secret, name)]))}@${domain}`;
};

/** Null for an address that we never gave out. */
export const returningTo = (secret: Uint8Array, address: string): Returning | null => {
  const local = address.slice(0, address.lastIndexOf('@')).toLowerCase();
  const token = local.startsWith(PREFIX) ? fromBase32(local.slice(PREFIX.length)) : null;
  if (token === null || token.byteLength !== NAME_BYTES + MAC_BYTES) return null;
  const name = token.subarray(0, NAME_BYTES);
  if (!timingSafeEqual(token.subarray(NAME_BYTES), macOf(secret, name))) return null;
  const recipient = name.readUInt16BE(EMAIL_BYTES);
  return { emailId: stringify(name.subarray(0, EMAIL_BYTES)) as EmailId, recipient: recipient === ALL ? null : recipient };
};

/** The same at all nodes, made by whoever asks first. */
export const returnPathSecret = async (keys: SubjectKeys): Promise<Uint8Array> => {
  const subject = derivedId<SubjectId>('return-path', 'secret');
  const secret = (await keys.obtain([subject])).get(subject) ?? null;
  if (secret === null) throw new Error('the secret of return paths was destroyed');
  return secret;
};

const macOf = (secret: Uint8Array, name: Uint8Array): Buffer =>
  createHmac('sha256', secret).update('return-path').update(name).digest().subarray(0, MAC_BYTES);
