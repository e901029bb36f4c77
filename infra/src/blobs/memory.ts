/** Blobs in memory, for tests. */
import { Readable } from 'node:stream';
import type { BlobId } from '@tidings/contracts/ids';
import { BlobNotFound, type BlobStore } from '@tidings/contracts/ports/blob-store';
import { blobIdOf, takeIn } from './intake.ts';
import { removalBy } from './removal.ts';

interface Kept {
  readonly bytes: Buffer;
  readonly at: number;
}

export const memoryBlobs = ({ settledMs }: { readonly settledMs?: number } = {}): BlobStore => {
  const aside = new Map<BlobId, Kept>();
  const kept = new Map<BlobId, Kept>();
  const read = async (id: BlobId): Promise<Buffer> => {
    const found = kept.get(id) ?? aside.get(id);
    if (found === undefined) throw new BlobNotFound(id);
    return found.bytes;
  };
  return {
    put: async (source, options) => {
      const intake = await takeIn(source, options?.maxBytes);
      const parts: Uint8Array[] = [];
      if (intake.type === 'small') parts.push(intake.bytes);
      else for await (const chunk of intake.chunks) parts.push(chunk);
      const bytes = Buffer.concat(parts);
      const id = blobIdOf(bytes);
      kept.set(id, { bytes, at: Date.now() });
      return { id, size: bytes.byteLength };
    },
    read,
    get: async (id, range) => {
      const bytes = await read(id);
      return Readable.from([range === undefined ? bytes : bytes.subarray(range.start, range.end + 1)], { objectMode: false });
    },
    link: async () => null,
    has: async (id) => kept.has(id),
    list: async function* ({ since = -Infinity, until = Infinity } = {}) {
      yield [...kept].filter(([, { at }]) => at >= since && at < until).map(([id, { at }]) => ({ id, storedAt: at, isCurrent: true }));
    },
    leftAside: async () => [...aside.keys()],
    storeAnew: async (id) => void (await read(id)),
    removeUnused: removalBy(
      {
        setAside: async (ids, putBefore) =>
          move(
            ids.filter((id) => (kept.get(id)?.at ?? Infinity) < putBefore),
            kept,
            aside,
          ),
        restore: async (ids) => move(ids, aside, kept),
        drop: async (ids) => ids.filter((id) => aside.delete(id)),
      },
      settledMs,
    ),
  };
};

const move = (ids: readonly BlobId[], from: Map<BlobId, Kept>, to: Map<BlobId, Kept>): void => {
  for (const id of ids) {
    const found = from.get(id);
    if (found !== undefined && !to.has(id)) to.set(id, found);
    from.delete(id);
  }
};
