/**
 * Whether the keys we are given are the ones that bytes were sealed with. The store keeps a proof per key; a wrong or missing key stops the start
 * with a sentence, instead of the first reader.
 */
import { createHash } from 'node:crypto';
import type { BlobId } from '@tidings/contracts/ids';
import { BlobDamaged } from '@tidings/contracts/ports/blob-store';
import { openWhole, sealWhole } from './cipher.ts';
import { type BlobKeys, NO_KEY } from './format.ts';

/** Beside the blobs: of each key that something may be sealed with. */
export interface KeyProofs {
  readonly all: () => Promise<ReadonlyMap<number, Uint8Array>>;
  /** Unless there is one. */
  readonly add: (keyId: number, proof: Uint8Array) => Promise<void>;
  readonly remove: (keyId: number) => Promise<void>;
}

/** The start-up error: says which key and what is wrong with it. */
export class WrongBlobKeys extends Error {
  override readonly name = 'WrongBlobKeys';
}

const PROVEN = Buffer.from('tidings blob key');
const ID = createHash('sha256').update(PROVEN).digest('hex') as BlobId;

/** Leaves a proof of the active key at its first use. @throws WrongBlobKeys */
export const checkKeys = async (keys: BlobKeys, proofs: KeyProofs): Promise<void> => {
  const active = keys.byId.get(keys.active);
  if (active !== undefined) await proofs.add(keys.active, sealWhole(active, ID, PROVEN));
  for (const [keyId, proof] of await proofs.all()) {
    const key = keys.byId.get(keyId);
    if (key === undefined)
      throw new WrongBlobKeys(
        `blobs are sealed with key ${keyId}, which BLOB_KEYS does not hold; it may go once "tidings blobs rotate" has run with another key`,
      );
    try {
      openWhole(key, keyId, ID, proof);
    } catch (cause) {
      if (!(cause instanceof BlobDamaged)) throw cause;
      throw new WrongBlobKeys(`key ${keyId} of BLOB_KEYS is not the key that blobs were sealed with under this id`, { cause });
    }
  }
};

/** Once nothing is sealed with any other key than the active one. @returns the ids that may leave `BLOB_KEYS` */
export const retireKeys = async (keys: BlobKeys, proofs: KeyProofs): Promise<readonly number[]> => {
  const retired = [...(await proofs.all()).keys()].filter((keyId) => keyId !== keys.active && keyId !== NO_KEY);
  for (const keyId of retired) await proofs.remove(keyId);
  return retired;
};
