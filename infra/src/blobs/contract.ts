/** What every blob store promises; each adapter's test runs it. */
import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { BlobId } from '@tidings/contracts/ids';
import { BlobNotFound, BlobTooLarge, type BlobStore } from '@tidings/contracts/ports/blob-store';
import { describe, expect, it } from 'vitest';
import { CHUNK_BYTES } from './intake.ts';

export const blobStoreContract = (name: string, open: () => BlobStore): void => {
  const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
  const unknown = 'f'.repeat(64) as BlobId;
  const inPieces = (bytes: Buffer, size: number): Readable =>
    Readable.from(
      (function* () {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
      })(),
      { objectMode: false },
    );

  describe(`blob store contract: ${name}`, () => {
    it('removes bytes for ever, small and large, and takes them again', async () => {
      const store = open();
      for (const bytes of [randomBytes(100), randomBytes(2 * CHUNK_BYTES + 5)]) {
        const { id } = await store.put(bytes);
        await store.removeUnused([id], async () => new Set());
        await store.removeUnused([id], async () => new Set());
        expect(await store.has(id)).toBe(false);
        await expect(store.read(id)).rejects.toThrow(BlobNotFound);
        expect((await store.put(bytes)).id).toBe(id);
        expect(await store.read(id)).toEqual(bytes);
      }
    });

    it('keeps what turns out to be in use, and can be read all the while', async () => {
      const store = open();
      for (const bytes of [randomBytes(100), randomBytes(2 * CHUNK_BYTES + 5)]) {
        const [used, unused] = [await store.put(bytes), await store.put(Buffer.concat([bytes, bytes]))];
        const ids = [used.id, unused.id];
        await store.removeUnused(ids, async (asked) => {
          expect(asked).toEqual(ids);
          for (const id of ids)
            expect([await store.has(id), (await store.read(id)).length]).toEqual([false, (await store.read(id)).length]);
          return new Set([used.id]);
        });
        expect([await store.has(used.id), await store.has(unused.id)]).toEqual([true, false]);
        expect(await store.read(used.id)).toEqual(bytes);
      }
    });

    it('keeps what is put again while it is being removed, and what was being removed when the question failed', async () => {
      const store = open();
      for (const bytes of [randomBytes(100), randomBytes(2 * CHUNK_BYTES + 5)]) {
        const { id } = await store.put(bytes);
        await store.removeUnused([id], async () => {
          await store.put(bytes);
          return new Set();
        });
        expect(await store.read(id)).toEqual(bytes);
        await expect(store.removeUnused([id], () => Promise.reject(new Error('nobody knows')))).rejects.toThrow('nobody knows');
        expect([await store.has(id), await store.read(id)]).toEqual([true, bytes]);
      }
    });

    it('loses nothing that is put and named while it is being removed again and again', async () => {
      const store = open();
      const bytes = randomBytes(500);
      const { id } = await store.put(bytes);
      const named = new Set<BlobId>();
      for (let round = 0; round < 5; round += 1) {
        named.clear();
        await Promise.all([
          store.removeUnused([id], async () => new Set(named)),
          ...Array.from({ length: 10 }, () => store.put(bytes).then((stored) => void named.add(stored.id))),
        ]);
        expect(await store.read(id)).toEqual(bytes);
      }
    });

    const sizes = [0, 1, 255, 256, 10_000, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES + 17];
    for (const size of sizes) {
      for (const [kind, make] of [
        ['random', (n: number) => randomBytes(n)],
        ['repetitive', (n: number) => Buffer.alloc(n, 'Dear Sir or Madam,\r\n')],
      ] as const) {
        it(`gives back ${size} ${kind} bytes, from a buffer and from a stream`, async () => {
          const store = open();
          const bytes = make(size);
          const stored = await store.put(bytes);
          expect(stored).toEqual({ id: sha256(bytes), size });
          expect(await store.put(inPieces(bytes, 7_001))).toEqual(stored);
          expect(await store.read(stored.id)).toEqual(bytes);
          expect(await buffer(await store.get(stored.id))).toEqual(bytes);
          expect(await store.has(stored.id)).toBe(true);
        });
      }
    }

    it('gives back a range, also over chunks, and no more', async () => {
      const store = open();
      for (const size of [10, 3 * CHUNK_BYTES + 17]) {
        const bytes = randomBytes(size);
        const { id } = await store.put(bytes);
        const edges = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, 2 * CHUNK_BYTES + 5, size - 1].filter((edge) => edge < size);
        for (const start of edges) {
          for (const end of edges.filter((edge) => edge >= start)) {
            expect((await buffer(await store.get(id, { start, end }))).equals(bytes.subarray(start, end + 1)), `${start}-${end}`).toBe(
              true,
            );
          }
        }
      }
      await expect(store.get(unknown, { start: 0, end: 1 })).rejects.toBeInstanceOf(BlobNotFound);
    });

    it('says what it does not have', async () => {
      const store = open();
      expect(await store.has(unknown)).toBe(false);
      await expect(store.read(unknown)).rejects.toBeInstanceOf(BlobNotFound);
      await expect(store.get(unknown)).rejects.toBeInstanceOf(BlobNotFound);
    });

    it('refuses what is over the limit and keeps nothing of it', async () => {
      const store = open();
      for (const size of [11, CHUNK_BYTES * 2 + 1]) {
        const bytes = randomBytes(size);
        await expect(store.put(inPieces(bytes, 4_096), { maxBytes: size - 1 })).rejects.toBeInstanceOf(BlobTooLarge);
        expect(await store.has(sha256(bytes) as BlobId)).toBe(false);
        expect((await store.put(inPieces(bytes, 4_096), { maxBytes: size })).size).toBe(size);
      }
    });

    it('passes on why a source broke, and keeps nothing', async () => {
      const store = open();
      const broken = Readable.from(
        (async function* () {
          yield randomBytes(CHUNK_BYTES * 2);
          throw new Error('the peer hung up');
        })(),
      );
      await expect(store.put(broken)).rejects.toThrow('the peer hung up');
    });

    it('takes many at once, the same ones too', async () => {
      const store = open();
      const values = Array.from({ length: 60 }, (_, i) => Buffer.from(`value ${i % 20} `.repeat((i % 20) * 50 + 1)));
      const stored = await Promise.all(values.map((value) => store.put(value)));
      expect(stored.map((blob) => blob.id)).toEqual(values.map(sha256));
      for (const [at, blob] of stored.entries()) expect(await store.read(blob.id)).toEqual(values[at]);
    });
  });
};
