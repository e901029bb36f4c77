/**
 * A blob as an object: its pieces of `CHUNK_BYTES`, packed and sealed, then an index (length and packing of each), then a trailer (version, level of
 * zstd, id of the key, size, the value's own key sealed with that one, `TDNG`). All that is known at the end alone stands at the end, so that it is
 * written as a stream; one request for the last bytes tells where each piece lies, and brings all of a small value.
 */
import type { BlobId } from '@tidings/contracts/ids';
import { BlobDamaged, type StoredBlob } from '@tidings/contracts/ports/blob-store';
import { SEALED_KEY_BYTES } from './cipher.ts';
import { type BlobFormat, type BlobKeys, NO_KEY } from './format.ts';
import { blobIdOf, CHUNK_BYTES, type Intake } from './intake.ts';
import { type Packing, packerFor, PLAIN, type Unpack, unpackerFor, ZSTD } from './packing.ts';

const MAGIC = Buffer.from('TDNG');
const VERSION = 1;
const ENTRY_BYTES = 5;
const KEY_AT = 12;
export const TRAILER_BYTES = KEY_AT + SEALED_KEY_BYTES + MAGIC.byteLength;
/** What a piece may grow by: a seal, and zstd never makes it larger. */
const MAX_PIECE = CHUNK_BYTES + 64;

export interface PackedObject {
  readonly pieces: AsyncGenerator<Buffer>;
  /** What it turned out to be, once `pieces` have ended. */
  readonly stored: () => StoredBlob;
}

export const packObject = (intake: Intake, format: BlobFormat): PackedObject => {
  let stored: StoredBlob | null = null;
  async function* pieces(): AsyncGenerator<Buffer> {
    const packer = packerFor(format);
    const index: Buffer[] = [];
    for await (const chunk of intake.type === 'large' ? intake.chunks : intake.bytes.byteLength === 0 ? [] : [intake.bytes]) {
      const { packing, data } = await packer.pack(chunk);
      const entry = Buffer.alloc(ENTRY_BYTES);
      entry.writeUInt32BE(data.byteLength, 0);
      entry.writeUInt8(packing, 4);
      index.push(entry);
      yield Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    }
    stored = intake.type === 'large' ? intake.measured() : { id: blobIdOf(intake.bytes), size: intake.bytes.byteLength };
    yield Buffer.concat([...index, trailerOf(format, stored, packer.sealedKey(stored.id))]);
  }
  return {
    pieces: pieces(),
    stored: () => {
      if (stored === null) throw new Error('the pieces have not ended');
      return stored;
    },
  };
};

const trailerOf = ({ level, keys }: BlobFormat, { size }: StoredBlob, sealedKey: Buffer | null): Buffer => {
  const trailer = Buffer.alloc(TRAILER_BYTES);
  trailer.writeUInt8(VERSION, 0);
  trailer.writeUInt8(level, 1);
  trailer.writeUInt16BE(keys.active, 2);
  trailer.writeBigUInt64BE(BigInt(size), 4);
  if (sealedKey !== null) trailer.set(sealedKey, KEY_AT);
  trailer.set(MAGIC, TRAILER_BYTES - MAGIC.byteLength);
  return trailer;
};

export interface ObjectTrailer {
  readonly level: number;
  readonly keyId: number;
  /** Of the bytes as they were given. */
  readonly size: number;
  /** Of the pieces. */
  readonly count: number;
  /** Bytes from the start of the index to the end of the object. */
  readonly endBytes: number;
  readonly sealedKey: Buffer;
}

/** @param tail the object's last `TRAILER_BYTES` or more. @throws BlobDamaged */
export const readTrailer = (id: BlobId, tail: Buffer): ObjectTrailer => {
  const trailer = tail.subarray(-TRAILER_BYTES);
  if (trailer.byteLength < TRAILER_BYTES || !trailer.subarray(-MAGIC.byteLength).equals(MAGIC) || trailer[0] !== VERSION)
    throw new BlobDamaged(`the object of blob ${id} is not one of ours, or not whole`);
  const size = Number(trailer.readBigUInt64BE(4));
  const count = Math.ceil(size / CHUNK_BYTES);
  return {
    level: trailer.readUInt8(1),
    keyId: trailer.readUInt16BE(2),
    size,
    count,
    endBytes: count * ENTRY_BYTES + TRAILER_BYTES,
    sealedKey: trailer.subarray(KEY_AT, KEY_AT + SEALED_KEY_BYTES),
  };
};

export interface PlacedPiece {
  readonly at: number;
  readonly length: number;
  readonly packing: Packing;
}

/** @param tail the object's last `endBytes` or more. @throws BlobDamaged */
export const readIndex = (id: BlobId, { count, endBytes }: ObjectTrailer, tail: Buffer, objectSize: number): readonly PlacedPiece[] => {
  if (tail.byteLength < endBytes) throw new BlobDamaged(`the object of blob ${id} is shorter than its index`);
  const index = tail.subarray(tail.byteLength - endBytes, tail.byteLength - TRAILER_BYTES);
  let at = 0;
  const pieces = Array.from({ length: count }, (_, seq) => {
    const length = index.readUInt32BE(seq * ENTRY_BYTES);
    const packing = index.readUInt8(seq * ENTRY_BYTES + 4);
    if (length > MAX_PIECE || (packing !== PLAIN && packing !== ZSTD)) throw new BlobDamaged(`blob ${id} has an index that makes no sense`);
    const piece: PlacedPiece = { at, length, packing };
    at += length;
    return piece;
  });
  if (at + endBytes !== objectSize) throw new BlobDamaged(`the object of blob ${id} is not as long as its index says`);
  return pieces;
};

export const unpackerOf = (id: BlobId, { keyId, sealedKey }: ObjectTrailer, keys: BlobKeys): Unpack =>
  unpackerFor(id, keyId, keyId === NO_KEY ? null : sealedKey, keys);
