/** Blobs in memory, for tests. */
import { Readable } from 'node:stream';
import type { BlobId } from '@tidings/contracts/ids';
import { BlobNotFound, type BlobStore } from '@tidings/contracts/ports/blob-store';
import { blobIdOf, takeIn } from './intake.ts';

export const memoryBlobs = (): BlobStore => {
  const kept = new Map<BlobId, Buffer>();
  const read = async (id: BlobId): Promise<Buffer> => {
    const bytes = kept.get(id);
    if (bytes === undefined) throw new BlobNotFound(id);
    return bytes;
  };
  return {
    put: async (source, options) => {
      const intake = await takeIn(source, options?.maxBytes);
      const parts: Uint8Array[] = [];
      if (intake.type === 'small') parts.push(intake.bytes);
      else for await (const chunk of intake.chunks) parts.push(chunk);
      const bytes = Buffer.concat(parts);
      const id = blobIdOf(bytes);
      kept.set(id, bytes);
      return { id, size: bytes.byteLength };
    },
    read,
    get: async (id, range) => {
      const bytes = await read(id);
      return Readable.from([range === undefined ? bytes : bytes.subarray(range.start, range.end + 1)], { objectMode: false });
    },
    has: async (id) => kept.has(id),
    remove: async (id) => void kept.delete(id),
  };
};
