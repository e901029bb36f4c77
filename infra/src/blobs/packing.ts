/** How bytes are kept: zstd where it helps, else as they are. Ciphertext, JPEG and ZIP do not shrink and are not tried twice. */
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdCompressSync, zstdDecompressSync } from 'node:zlib';

/** Stored in a column: never renumber. */
export const PLAIN = 0;
export const ZSTD = 1;
export type Packing = typeof PLAIN | typeof ZSTD;

export interface Packed {
  readonly packing: Packing;
  readonly data: Uint8Array;
}

/** Below this a frame header eats the gain. */
const WORTH_TRYING = 256;
/** Level 1: a third of the time of the default for a few per cent more bytes; accepting mail is what it competes with. */
const options = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
const compress = promisify(zstdCompress);

const smaller = (bytes: Uint8Array, packed: Uint8Array): Packed =>
  packed.byteLength < bytes.byteLength * 0.9 ? { packing: ZSTD, data: packed } : { packing: PLAIN, data: bytes };

/** For small values: tens of microseconds, less than a trip to the thread pool. */
export const packSmall = (bytes: Uint8Array): Packed =>
  bytes.byteLength < WORTH_TRYING
    ? { packing: PLAIN, data: bytes }
    : smaller(bytes, zstdCompressSync(bytes, { ...options, pledgedSrcSize: bytes.byteLength }));

/** For chunks of large values: off the main thread. */
export const packChunk = async (bytes: Uint8Array): Promise<Packed> => smaller(bytes, await compress(bytes, options));

export const unpack = (packing: number, data: Buffer): Buffer => (packing === ZSTD ? zstdDecompressSync(data) : data);
