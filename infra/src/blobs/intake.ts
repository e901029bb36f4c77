/**
 * The front half of every adapter's `put`: measures, hashes and cuts a source into chunks, so that memory stays flat and a small
 * value is recognised as such before anything is written.
 */
import { createHash, hash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { BlobId } from '@tidings/contracts/ids';
import { BlobTooLarge, type ByteRange } from '@tidings/contracts/ports/blob-store';

/** A value up to this size is handled whole; a larger one in chunks of this size. */
export const CHUNK_BYTES = 256 * 1024;

export const blobIdOf = (bytes: Uint8Array): BlobId => hash('sha256', bytes, 'hex') as BlobId;

/** What a large value turned out to be; known only at its end. */
export interface Measured {
  readonly id: BlobId;
  readonly size: number;
}

export type Intake =
  | { readonly type: 'small'; readonly bytes: Uint8Array }
  /** Iterate `chunks` to the end, then ask `measured`. */
  | { readonly type: 'large'; readonly chunks: AsyncIterable<Uint8Array>; readonly measured: () => Measured };

/** @throws BlobTooLarge as soon as `maxBytes` is passed, here or while iterating; what the source throws */
export const takeIn = async (source: Readable | Uint8Array, maxBytes = Infinity): Promise<Intake> => {
  if (source instanceof Uint8Array && source.byteLength <= CHUNK_BYTES) {
    if (source.byteLength > maxBytes) throw tooLarge(maxBytes);
    return { type: 'small', bytes: source };
  }
  const chunks = source instanceof Uint8Array ? slices(source) : rechunk(source);
  const sha = createHash('sha256');
  let size = 0;
  const next = async (): Promise<Uint8Array | null> => {
    const step = await chunks.next();
    if (step.done === true) return null;
    size += step.value.byteLength;
    if (size > maxBytes) {
      await chunks.return(undefined);
      throw tooLarge(maxBytes);
    }
    return step.value;
  };

  const first = await next();
  if (first === null) return { type: 'small', bytes: new Uint8Array(0) };
  const second = first.byteLength < CHUNK_BYTES ? null : await next();
  if (second === null) return { type: 'small', bytes: first };

  async function* all(): AsyncGenerator<Uint8Array> {
    try {
      for (let chunk: Uint8Array | null = first; chunk !== null; chunk = chunk === first ? second : await next()) {
        sha.update(chunk);
        yield chunk;
      }
    } finally {
      await chunks.return(undefined);
    }
  }
  return { type: 'large', chunks: all(), measured: () => ({ id: sha.digest('hex') as BlobId, size }) };
};

const tooLarge = (maxBytes: number): BlobTooLarge => new BlobTooLarge(`more than ${maxBytes} bytes`);

async function* slices(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
}

/** Every chunk but the last has exactly `CHUNK_BYTES`; the bytes are copied, a socket's buffers are not kept. */
async function* rechunk(source: Readable): AsyncGenerator<Uint8Array> {
  let pending: Uint8Array[] = [];
  let length = 0;
  for await (const piece of source as AsyncIterable<Uint8Array | string>) {
    let rest: Uint8Array = typeof piece === 'string' ? Buffer.from(piece) : piece;
    while (length + rest.byteLength >= CHUNK_BYTES) {
      pending.push(rest.subarray(0, CHUNK_BYTES - length));
      rest = rest.subarray(CHUNK_BYTES - length);
      yield Buffer.concat(pending, CHUNK_BYTES);
      pending = [];
      length = 0;
    }
    if (rest.byteLength > 0) {
      pending.push(rest);
      length += rest.byteLength;
    }
  }
  if (length > 0) yield Buffer.concat(pending, length);
}

/** Of pieces that follow each other from byte `at` on, only what lies in the range; the source is left at its end. */
export async function* cut(source: AsyncIterable<Buffer>, { start, end }: ByteRange, at = 0): AsyncGenerator<Buffer> {
  for await (const piece of source) {
    const wanted = piece.subarray(Math.max(start - at, 0), Math.max(end + 1 - at, 0));
    at += piece.byteLength;
    if (wanted.byteLength > 0) yield wanted;
    if (at > end) return;
  }
}
