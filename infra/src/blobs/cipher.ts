/**
 * Bytes at rest under AES-256-GCM (docs/decisions/034). The sha256 of what is kept is bound to it, so nothing that was sealed opens under another
 * id. A value that is handled whole is sealed with the store's own key and a random nonce. A large one streams, and its sha256 is known at its end
 * alone: each of its pieces is sealed with a key made for this value, counting nonces, and that key is sealed with the store's, the sha256 bound.
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import type { BlobId } from '@tidings/contracts/ids';
import { BlobDamaged, BlobStoreUnavailable } from '@tidings/contracts/ports/blob-store';
import type { BlobKeys } from './format.ts';

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
/** nonce, key, tag */
export const SEALED_KEY_BYTES = NONCE_BYTES + KEY_BYTES + TAG_BYTES;

/** @throws BlobStoreUnavailable that names the key */
export const keyOf = ({ byId }: BlobKeys, keyId: number, id: BlobId): KeyObject => {
  const key = byId.get(keyId);
  if (key === undefined) throw new BlobStoreUnavailable(`blob ${id} is sealed with key ${keyId}, which BLOB_KEYS does not hold`);
  return key;
};

/** `nonce ‖ ciphertext ‖ tag` */
export const sealWhole = (key: KeyObject, id: BlobId, bytes: Uint8Array): Buffer => {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce).setAAD(Buffer.from(id, 'hex'));
  return Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
};

/** @throws BlobDamaged that names the key: it was changed, or the key is another than the one of that id then */
export const openWhole = (key: KeyObject, keyId: number, id: BlobId, sealed: Uint8Array): Buffer => {
  if (sealed.byteLength < NONCE_BYTES + TAG_BYTES) throw damaged(id, keyId);
  const decipher = createDecipheriv(ALGORITHM, key, sealed.subarray(0, NONCE_BYTES))
    .setAAD(Buffer.from(id, 'hex'))
    .setAuthTag(sealed.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch (cause) {
    throw damaged(id, keyId, cause);
  }
};

/** For one value alone. */
export interface PieceSealer {
  /** @param seq of the piece, from 0; each once */
  readonly seal: (seq: number, bytes: Uint8Array) => Buffer;
  /** The key of this value, sealed, once the id is known. */
  readonly sealedKey: (id: BlobId) => Buffer;
}

export const pieceSealer = (storeKey: KeyObject): PieceSealer => {
  const secret = randomBytes(KEY_BYTES);
  const key = createSecretKey(secret);
  return {
    seal: (seq, bytes) => {
      const cipher = createCipheriv(ALGORITHM, key, nonceOf(seq));
      return Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
    },
    sealedKey: (id) => sealWhole(storeKey, id, secret),
  };
};

export type OpenPiece = (seq: number, sealed: Uint8Array) => Buffer;

/** @throws BlobDamaged */
export const pieceOpener = (storeKey: KeyObject, keyId: number, id: BlobId, sealedKey: Uint8Array): OpenPiece => {
  const key = createSecretKey(openWhole(storeKey, keyId, id, sealedKey));
  return (seq, sealed) => {
    if (sealed.byteLength < TAG_BYTES) throw damaged(id, keyId);
    const decipher = createDecipheriv(ALGORITHM, key, nonceOf(seq)).setAuthTag(sealed.subarray(-TAG_BYTES));
    try {
      return Buffer.concat([decipher.update(sealed.subarray(0, -TAG_BYTES)), decipher.final()]);
    } catch (cause) {
      throw damaged(id, keyId, cause);
    }
  };
};

const nonceOf = (seq: number): Buffer => {
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.writeUInt32BE(seq, NONCE_BYTES - 4);
  return nonce;
};

const damaged = (id: BlobId, keyId: number, cause?: unknown): BlobDamaged =>
  new BlobDamaged(`blob ${id} does not open with key ${keyId}: what is stored was changed, or that key is another one now`, { cause });
