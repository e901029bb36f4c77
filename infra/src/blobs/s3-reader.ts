/** Reads blobs in a bucket, wherever they are: in place, or set aside. A reader goes on where it was when they move, or when the line breaks. */
import type { BlobId } from '@tidings/contracts/ids';
import { BlobNotFound, BlobStoreUnavailable } from '@tidings/contracts/ports/blob-store';
import type { Readable } from 'node:stream';
import type { BlobKeys } from './format.ts';
import { CHUNK_BYTES } from './intake.ts';
import type { Unpack } from './packing.ts';
import type { S3Bucket, S3Tail } from './s3-bucket.ts';
import { type PlacedPiece, readIndex, readTrailer, unpackerOf } from './s3-object.ts';

/** Asked for at once: most mails are whole in it, and so is the index of anything up to 3 GiB. */
const TAIL_BYTES = 64 * 1024;
const TRIES = 3;

export interface OpenObject {
  readonly key: string;
  readonly tail: S3Tail;
  readonly pieces: readonly PlacedPiece[];
  readonly unpack: Unpack;
}

/** @param keysOf where a blob may be, in the order to look. @throws BlobNotFound, BlobDamaged, BlobStoreUnavailable */
export const openObject = async (bucket: S3Bucket, id: BlobId, keysOf: readonly string[], keys: BlobKeys): Promise<OpenObject> => {
  for (const key of keysOf) {
    let tail = await bucket.tail(key, TAIL_BYTES);
    if (tail === null) continue;
    const trailer = readTrailer(id, tail.bytes);
    if (trailer.endBytes > tail.bytes.byteLength && tail.size > tail.bytes.byteLength) tail = await bucket.tail(key, trailer.endBytes);
    if (tail === null) continue;
    const whole = readTrailer(id, tail.bytes); // another version, maybe
    return { key, tail, pieces: readIndex(id, whole, tail.bytes, tail.size), unpack: unpackerOf(id, whole, keys) };
  }
  throw new BlobNotFound(id);
};

/** The pieces with the bytes `from` to `to`, both included. */
export async function* contentOf(
  bucket: S3Bucket,
  opened: OpenObject,
  reopen: () => Promise<OpenObject>,
  from = 0,
  to = Infinity,
): AsyncGenerator<Buffer> {
  let current = opened;
  let seq = Math.floor(from / CHUNK_BYTES);
  const last = Math.min(current.pieces.length - 1, Math.floor(to / CHUNK_BYTES));
  for (let tries = TRIES; seq <= last;) {
    try {
      for await (const data of packedPieces(bucket, current, seq, last)) {
        yield current.unpack(seq, data);
        seq += 1;
        tries = TRIES;
      }
    } catch (error) {
      if (!(error instanceof BlobStoreUnavailable) || seq > last) throw error;
      tries -= 1;
      if (tries === 0) throw error;
      current = await reopen();
    }
  }
}

async function* packedPieces(bucket: S3Bucket, { key, tail, pieces }: OpenObject, first: number, last: number) {
  const start = pieces[first]?.at ?? 0;
  const held = tail.size - tail.bytes.byteLength;
  if (start >= held) {
    for (const { at, length, packing } of pieces.slice(first, last + 1)) {
      yield { packing, data: tail.bytes.subarray(at - held, at - held + length) };
    }
    return;
  }
  const end = pieces.slice(first, last + 1).reduce((sum, { length }) => sum + length, start) - 1;
  const body = await bucket.range(key, tail.etag, start, end);
  if (body === null) throw new BlobStoreUnavailable(`${key} was moved as it was read`);
  const reader = exactly(body, key);
  try {
    for (const { length, packing } of pieces.slice(first, last + 1)) yield { packing, data: await reader(length) };
  } finally {
    body.destroy();
  }
}

/** @returns what gives the next so many bytes */
const exactly = (body: Readable, key: string): ((length: number) => Promise<Buffer>) => {
  const source: AsyncIterator<Buffer> = body[Symbol.asyncIterator]();
  let held: Buffer[] = [];
  let bytes = 0;
  return async (length) => {
    while (bytes < length) {
      const step = await source.next().catch((cause: unknown) => {
        throw new BlobStoreUnavailable(`the line broke while reading ${key}`, { cause });
      });
      if (step.done === true) throw new BlobStoreUnavailable(`the line ended while reading ${key}`);
      held.push(step.value);
      bytes += step.value.byteLength;
    }
    const all = held.length === 1 && held[0] !== undefined ? held[0] : Buffer.concat(held, bytes);
    held = [all.subarray(length)];
    bytes -= length;
    return all.subarray(0, length);
  };
};
