/** How bytes are kept: zstd where it helps, else as they are; then sealed if there is a key. JPEG and ZIP do not shrink and stay as they are. */
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { BlobId } from '@tidings/contracts/ids';
import { BlobDamaged } from '@tidings/contracts/ports/blob-store';
import { keyOf, openWhole, pieceOpener, pieceSealer, sealWhole } from './cipher.ts';
import { type BlobFormat, type BlobKeys, NO_KEY } from './format.ts';
import { CHUNK_BYTES } from './intake.ts';

/** Stored in a column and in files: never renumber. */
export const PLAIN = 0;
export const ZSTD = 1;
export type Packing = typeof PLAIN | typeof ZSTD;

export interface Packed {
  readonly packing: Packing;
  readonly data: Uint8Array;
}

/** Below this a frame header eats the gain. */
const WORTH_TRYING = 256;
/** Room for all of the result at once: pieced together, it would be copied again, and the thread pool asked for each piece. */
const optionsOf = (level: number, bytes: Uint8Array) => ({
  params: { [constants.ZSTD_c_compressionLevel]: level },
  chunkSize: Math.max(64, bytes.byteLength),
});
/** Text shrinks to a third or so; what shrank more comes in several pieces. */
const roomFor = (packed: Uint8Array): number => Math.min(CHUNK_BYTES, Math.max(1_024, 4 * packed.byteLength));
const compress = promisify(zstdCompress);

const smaller = (bytes: Uint8Array, packed: Uint8Array): Packed =>
  packed.byteLength < bytes.byteLength * 0.9 ? { packing: ZSTD, data: packed } : { packing: PLAIN, data: bytes };

/** For values handled whole: tens of microseconds, less than a trip to the thread pool. */
export const packSmall = (bytes: Uint8Array, id: BlobId, { level, keys }: BlobFormat): Packed => {
  const packed: Packed =
    level === 0 || bytes.byteLength < WORTH_TRYING
      ? { packing: PLAIN, data: bytes }
      : smaller(bytes, zstdCompressSync(bytes, { ...optionsOf(level, bytes), pledgedSrcSize: bytes.byteLength }));
  return keys.active === NO_KEY ? packed : { ...packed, data: sealWhole(keyOf(keys, keys.active, id), id, packed.data) };
};

/** @throws BlobDamaged, BlobStoreUnavailable when the key is not at hand */
export const unpackSmall = (id: BlobId, keyId: number, { packing, data }: Packed, keys: BlobKeys): Buffer =>
  unpack(id, packing, keyId === NO_KEY ? asBuffer(data) : openWhole(keyOf(keys, keyId, id), keyId, id, data));

/** Packs the pieces of one large value, in order. Compression is off the main thread. */
export interface Packer {
  readonly pack: (piece: Uint8Array) => Promise<Packed>;
  /** To be kept beside it; null without a key. */
  readonly sealedKey: (id: BlobId) => Buffer | null;
}

export const packerFor = ({ level, keys }: BlobFormat): Packer => {
  const storeKey = keys.byId.get(keys.active);
  const sealer = storeKey === undefined ? null : pieceSealer(storeKey);
  let seq = 0;
  return {
    pack: async (piece) => {
      const mine = seq++;
      const packed: Packed = level === 0 ? { packing: PLAIN, data: piece } : smaller(piece, await compress(piece, optionsOf(level, piece)));
      return sealer === null ? packed : { ...packed, data: sealer.seal(mine, packed.data) };
    },
    sealedKey: (id) => sealer?.sealedKey(id) ?? null,
  };
};

export type Unpack = (seq: number, packed: Packed) => Buffer;

/** @throws BlobDamaged, BlobStoreUnavailable when the key is not at hand */
export const unpackerFor = (id: BlobId, keyId: number, sealedKey: Uint8Array | null, keys: BlobKeys): Unpack => {
  if (keyId === NO_KEY) return (_, { packing, data }) => unpack(id, packing, asBuffer(data));
  if (sealedKey === null) throw new BlobDamaged(`blob ${id} has lost its key`);
  const open = pieceOpener(keyOf(keys, keyId, id), keyId, id, sealedKey);
  return (seq, { packing, data }) => unpack(id, packing, open(seq, data));
};

const unpack = (id: BlobId, packing: Packing, data: Buffer): Buffer => {
  if (packing !== ZSTD) return data;
  try {
    return zstdDecompressSync(data, { chunkSize: roomFor(data) });
  } catch (cause) {
    throw new BlobDamaged(`blob ${id} cannot be unpacked`, { cause });
  }
};

const asBuffer = (data: Uint8Array): Buffer => (Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength));
