/**
 * Tokens of reply addresses, `reply+TOKEN@domain`.
 *
 * The seed's format (v1) is base64url of `threadId:timestampMs:sig16`. Ours (v2) is 35 bytes in base32: a key id, a MAC of 16 bytes, and the
 * conversation and the recipient's number, encrypted with a key stream that the MAC names (a synthetic IV as in RFC 5297, with HMAC for both
 * parts). The MAC covers the recipient's address, too, so a token is good for that one alone. Who has no key learns nothing from it. With its
 * prefix it has 62 octets of the 64 that a local part may have (RFC 5321 §4.5.3.1.1), and no case.
 */
import { ConversationId } from '@tidings/contracts/ids';
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import { base32, fromBase32 } from '../mail/base32.ts';

/** HMAC-SHA256. */
export type Hmac = (key: Uint8Array, data: Uint8Array) => Uint8Array;

interface ReplyKey {
  readonly id: number;
  readonly secret: Uint8Array;
  readonly authenticating: Uint8Array;
  readonly encrypting: Uint8Array;
}

/** What tokens are made with, and what those of before were made with. */
export interface ReplyKeys {
  readonly hmac: Hmac;
  readonly current: ReplyKey;
  readonly all: readonly ReplyKey[];
}

export interface ReplyName {
  readonly conversationId: ConversationId;
  readonly number: number;
}

/** What a token says, if it is true: with two keys of one id there are two readings, of which at most one is. */
export interface Claim extends ReplyName {
  /** Whether it was issued to who has this address, in normal form. Until then nothing is proven. */
  readonly isFor: (address: string) => boolean;
}

export type ReadToken =
  | { readonly version: 'v1'; readonly conversationId: ConversationId; readonly issuedAt: number }
  | { readonly version: 'v2'; readonly claims: readonly Claim[] };

export type TokenFault = 'malformed' | 'forged' | 'expired' | 'from-the-future';

export interface TokenTime {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Up to and including this age a token of the seed's format is good. */
  readonly ttlMs: number;
}

const PREFIX = 'reply+';
const MAC_BYTES = 16;
const UUID_BYTES = 16;
const NAME_BYTES = UUID_BYTES + 2;
const TOKEN_BYTES = 1 + MAC_BYTES + NAME_BYTES;
const TOKEN_LETTERS = (TOKEN_BYTES * 8) / 5;
/** Clocks differ. */
const AHEAD_MS = 300_000;
const SEED_SIGNATURE = 16;
const SEED = /^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}):([1-9]\d{0,14}):([0-9a-f]{16})$/;
const LONGEST = 200;

const utf8 = (text: string): Uint8Array => Buffer.from(text, 'utf8');

/** @param previous secrets of before, whose tokens are still taken */
export const replyKeysOf = (hmac: Hmac, secret: string | Uint8Array, previous: readonly string[] = []): ReplyKeys => {
  const current = keyOf(hmac, secret);
  return { hmac, current, all: [current, ...previous.map((one) => keyOf(hmac, one))] };
};

const keyOf = (hmac: Hmac, text: string | Uint8Array): ReplyKey => {
  const secret = typeof text === 'string' ? utf8(text) : text;
  const derived = (purpose: string): Uint8Array => hmac(secret, utf8(`tidings reply address ${purpose}`));
  return { id: derived('key id')[0] ?? 0, secret, authenticating: derived('mac'), encrypting: derived('encryption') };
};

/** @param address the recipient's, in normal form */
export const issueReplyToken = ({ hmac, current }: ReplyKeys, name: ReplyName, address: string): string => {
  const plain = Buffer.alloc(NAME_BYTES);
  plain.write(name.conversationId.replaceAll('-', ''), 'hex');
  plain.writeUInt16BE(name.number, UUID_BYTES);
  const mac = macOf(hmac, current, plain, address);
  return base32(Buffer.concat([Buffer.of(current.id), mac, masked(hmac, current, mac, plain)]));
};

/** The seed's format, letter for letter. */
export const issueSeedToken = (
  { hmac, current }: ReplyKeys,
  { conversationId, issuedAt }: { readonly conversationId: ConversationId; readonly issuedAt: number },
): string => {
  const signed = `${conversationId}:${issuedAt}`;
  return Buffer.from(`${signed}:${seedSignature(hmac, current, signed)}`).toString('base64url');
};

export const readReplyToken = (keys: ReplyKeys, token: string, time: TokenTime): Either<TokenFault, ReadToken> => {
  if (token.length > LONGEST) return left('malformed');
  return token.length === TOKEN_LETTERS ? readOurs(keys, token.toLowerCase()) : readSeed(keys, token, time);
};

const readOurs = ({ hmac, all }: ReplyKeys, token: string): Either<TokenFault, ReadToken> => {
  const bytes = fromBase32(token);
  if (bytes?.byteLength !== TOKEN_BYTES) return left('malformed');
  const mac = bytes.subarray(1, 1 + MAC_BYTES);
  const claims = all
    .filter(({ id }) => id === bytes[0])
    .map((key): Claim => {
      const plain = masked(hmac, key, mac, bytes.subarray(1 + MAC_BYTES));
      return {
        conversationId: uuidText(plain.subarray(0, UUID_BYTES)),
        number: plain.readUInt16BE(UUID_BYTES),
        isFor: (address) => sameBytes(mac, macOf(hmac, key, plain, address)),
      };
    });
  return claims.length === 0 ? left('forged') : right({ version: 'v2', claims });
};

/** Canonical spelling only: base64 has sixteen of the last letter, and one that was refused must not come back in another. */
const readSeed = ({ hmac, all }: ReplyKeys, token: string, { now, ttlMs }: TokenTime): Either<TokenFault, ReadToken> => {
  const bytes = Buffer.from(token, 'base64url');
  if (bytes.toString('base64url') !== token) return left('malformed');
  const [, id, at, signature] = SEED.exec(bytes.toString('latin1')) ?? [];
  if (id === undefined || at === undefined || signature === undefined) return left('malformed');
  const genuine = all.filter((key) => sameBytes(utf8(signature), utf8(seedSignature(hmac, key, `${id}:${at}`)))).length > 0;
  if (!genuine || !ConversationId.is(id)) return left('forged');
  const issuedAt = Number(at);
  if (issuedAt > now + AHEAD_MS) return left('from-the-future');
  return now - issuedAt > ttlMs ? left('expired') : right({ version: 'v1', conversationId: id, issuedAt });
};

const seedSignature = (hmac: Hmac, { secret }: ReplyKey, signed: string): string =>
  Buffer.from(hmac(secret, utf8(signed)))
    .toString('hex')
    .slice(0, SEED_SIGNATURE);

const macOf = (hmac: Hmac, { id, authenticating }: ReplyKey, plain: Uint8Array, address: string): Buffer =>
  Buffer.from(hmac(authenticating, Buffer.concat([Buffer.of(id), plain, utf8(address)]))).subarray(0, MAC_BYTES); // all before the address is of fixed length

/** There and back. */
const masked = (hmac: Hmac, { encrypting }: ReplyKey, mac: Uint8Array, bytes: Uint8Array): Buffer => {
  const stream = hmac(encrypting, mac);
  return Buffer.from(bytes.map((byte, at) => byte ^ (stream[at] ?? 0)));
};

const uuidText = (bytes: Buffer): ConversationId =>
  bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5') as ConversationId; // nothing is proven yet: who has no such stream, refuses it

/** In a time that does not tell where they differ. */
const sameBytes = (one: Uint8Array, other: Uint8Array): boolean =>
  one.byteLength === other.byteLength && one.reduce((differing, byte, at) => differing | (byte ^ (other[at] ?? 0)), 0) === 0;

export const replyAddressOf = (token: string, domain: string): string => `${PREFIX}${token}@${domain}`;

/** Null for an address that is none of ours. Prefix and domain are in any case, as is a token of ours. */
export const tokenIn = (address: string, domain: string): string | null => {
  const at = address.lastIndexOf('@');
  const isOurs = at >= 0 && address.slice(at + 1).toLowerCase() === domain && address.slice(0, PREFIX.length).toLowerCase() === PREFIX;
  return isOurs ? address.slice(PREFIX.length, at) : null;
};

/** So much as tells it from others, for lists and logs. */
export const redacted = (token: string): string => `${token.slice(-6)}…`;
