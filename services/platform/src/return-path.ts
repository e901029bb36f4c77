/**
 * Addresses that find their delivery again: return paths, `bounce+TOKEN@domain`, and where receipts go (RFC 8098 §2.1), `receipt+TOKEN@domain`, where the token names the email and its recipient and carries a MAC, so that
 * nobody can make one up. Base32 without case, 42 characters: it survives servers that fold the case of a local part, and is within its 64 octets
 * (RFC 5321 §4.5.3.1.1).
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { derivedId, type EmailId, type SubjectId } from '@tidings/contracts/ids';
import type { SubjectKeys } from '@tidings/contracts/ports/subject-keys';
import { base32, fromBase32 } from '@tidings/domain/mail/base32';
import { parse, stringify } from 'uuid';

export interface Returning {
  readonly emailId: EmailId;
  /** Null for all of them. */
  readonly recipient: number | null;
  /** It was given to others at the recipient's domain, too: docs/decisions/063. */
  readonly isShared: boolean;
}

export interface CameBack extends Returning {
  readonly by: Kind;
}

/** Each kind has MACs of its own: who may send a receipt for all cannot bounce for all. */
const PREFIX = { 'return-path': 'bounce+', receipt: 'receipt+' } as const;
type Kind = keyof typeof PREFIX;
const ALL = 0xffff;
/** Beside the number of a recipient. */
const SHARED = 0x8000;
const EMAIL_BYTES = 16;
const NAME_BYTES = EMAIL_BYTES + 2;
const MAC_BYTES = 8;

export const returnPathOf = (secret: Uint8Array, to: Returning, domain: string): string => addressOf('return-path', secret, to, domain);

/** One address for all recipients: it stands in the mail. */
export const receiptAddressOf = (secret: Uint8Array, emailId: EmailId, domain: string): string =>
  addressOf('receipt', secret, { emailId, recipient: null, isShared: false }, domain);

/** Null for an address that we never gave out. */
export const returningTo = (secret: Uint8Array, address: string): Returning | null => namedBy('return-path', secret, address);

/** Null for an address that we never gave out. */
export const receiptFor = (secret: Uint8Array, address: string): Returning | null => namedBy('receipt', secret, address);

const addressOf = (kind: Kind, secret: Uint8Array, { emailId, recipient, isShared }: Returning, domain: string): string => {
  const name = Buffer.alloc(NAME_BYTES);
  name.set(parse(emailId));
  name.writeUInt16BE(recipient === null ? ALL : recipient | (isShared ? SHARED : 0), EMAIL_BYTES);
  return `${PREFIX[kind]}${base32(Buffer.concat([name, macOf(kind, secret, name)]))}@${domain}`;
};

const namedBy = (kind: Kind, secret: Uint8Array, address: string): Returning | null => {
  const local = address.slice(0, address.lastIndexOf('@')).toLowerCase();
  const token = local.startsWith(PREFIX[kind]) ? fromBase32(local.slice(PREFIX[kind].length)) : null;
  if (token === null || token.byteLength !== NAME_BYTES + MAC_BYTES) return null;
  const name = token.subarray(0, NAME_BYTES);
  if (!timingSafeEqual(token.subarray(NAME_BYTES), macOf(kind, secret, name))) return null;
  const number = name.readUInt16BE(EMAIL_BYTES);
  const emailId = stringify(name.subarray(0, EMAIL_BYTES)) as EmailId; // that `addressOf` wrote
  if (number === ALL) return { emailId, recipient: null, isShared: false };
  return { emailId, recipient: number & ~SHARED, isShared: (number & SHARED) !== 0 };
};

/** What comes back to an address that we gave out: bounces only from the null sender (RFC 5321 §4.5.5), receipts from anybody's program. */
export const cameBackTo =
  (secret: Uint8Array) =>
  (address: string, mailFrom: string): CameBack | null => {
    const returned = mailFrom === '' ? returningTo(secret, address) : null;
    if (returned !== null) return { ...returned, by: 'return-path' };
    const receipt = receiptFor(secret, address);
    return receipt === null ? null : { ...receipt, by: 'receipt' };
  };

/** The same at all nodes, made by whoever asks first. */
export const returnPathSecret = async (keys: SubjectKeys): Promise<Uint8Array> => {
  const subject = derivedId<SubjectId>('return-path', 'secret');
  const secret = (await keys.obtain([subject])).get(subject) ?? null;
  if (secret === null) throw new Error('the secret of return paths was destroyed');
  return secret;
};

const macOf = (kind: Kind, secret: Uint8Array, name: Uint8Array): Buffer =>
  createHmac('sha256', secret).update(kind).update(name).digest().subarray(0, MAC_BYTES);
