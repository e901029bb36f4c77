/** Blobs in memory, for tests. */
import { Readable } from 'node:stream';
import type { BlobId } from '@tidings/contracts/ids';
import { BlobNotFound, type BlobStore } from '@tidings/contracts/ports/blob-store';
import { blobIdOf, takeIn } from './intake.ts';
import { removalBy } from './removal.ts';

export const memoryBlobs = ({ settledMs }: { readonly settledMs?: number } = {}): BlobStore => {
  const aside = new Map<BlobId, Buffer>();
  const kept = new Map<BlobId, Buffer>();
  const read = async (id: BlobId): Promise<Buffer> => {
    const bytes = kept.get(id) ?? aside.get(id);
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
    removeUnused: removalBy(
      {
        setAside: async (ids) => move(ids, kept, aside),
        restore: async (ids) => move(ids, aside, kept),
        drop: async (ids) => ids.forEach((id) => aside.delete(id)),
      },
      settledMs,
    ),
  };
};

const move = (ids: readonly BlobId[], from: Map<BlobId, Buffer>, to: Map<BlobId, Buffer>): void => {
  for (const id of ids) {
    const bytes = from.get(id);
    if (bytes !== undefined) to.set(id, bytes);
    from.delete(id);
  }
};
