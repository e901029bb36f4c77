/** What every blob store promises; each adapter's test runs it. */
import { createHash, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { BlobId } from '@tidings/contracts/ids';
import { BlobDamaged, BlobNotFound, BlobTooLarge, type BlobStore, type ListedBlob } from '@tidings/contracts/ports/blob-store';
import { describe, expect, it } from 'vitest';
import { type BlobFormat, DEFAULT_FORMAT, NO_KEYS } from './format.ts';
import { CHUNK_BYTES } from './intake.ts';
import { liveBytes } from './live-bytes.ts';

/** The same for the same name. */
export const testKey = (name: string): KeyObject => createSecretKey(createHash('sha256').update(name).digest());

/** How an adapter may be told to keep bytes; the contract is the same for each. */
export const FORMATS: Readonly<Record<string, BlobFormat>> = {
  plain: { level: 0, keys: NO_KEYS },
  zstd: DEFAULT_FORMAT,
  'zstd and AES': { level: 3, keys: { active: 1, byId: new Map([[1, testKey('one')]]) } },
};

/** All formats of a store that keeps bytes on disk; `open` gives one over the same place for each. */
export const keptContract = (
  name: string,
  open: (format: BlobFormat) => BlobStore,
  /** Changes the last byte of what is stored of a blob. */
  tamper: (id: BlobId) => Promise<void>,
  /** Those that the whole contract runs in. */
  formats = FORMATS,
): void => {
  const listed = async (store: BlobStore, id: BlobId): Promise<ListedBlob | undefined> => {
    for await (const page of store.list()) {
      const found = page.find((blob) => blob.id === id);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const text = (size: number): Buffer => Buffer.alloc(size, `${randomBytes(8).toString('hex')} Dear Sir or Madam,\r\n`);
  const rotated: BlobFormat = {
    level: 3,
    keys: { active: 2, byId: new Map([...(FORMATS['zstd and AES']?.keys.byId ?? []), [2, testKey('two')]]) },
  };

  for (const [format, value] of Object.entries(formats)) blobStoreContract(`${name}, ${format}`, () => open(value));

  describe(`kept bytes: ${name}`, () => {
    it.each([100, 3 * CHUNK_BYTES + 17, 10 * CHUNK_BYTES + 1])(
      'stores %i bytes anew in any other format, and they stay readable all the while',
      async (size) => {
        const formats = [...Object.values(FORMATS), rotated, FORMATS['plain'] ?? DEFAULT_FORMAT];
        const bytes = text(size);
        const { id } = await open(formats[0] ?? DEFAULT_FORMAT).put(bytes);
        // Whoever reads knows all keys, and was open before the change.
        const reader = open(rotated);
        for (const format of formats) {
          const store = open({ ...format, keys: { ...format.keys, byId: rotated.keys.byId } });
          const reading = await reader.get(id);
          await store.storeAnew(id);
          expect((await buffer(reading)).equals(bytes)).toBe(true);
          expect(await listed(store, id)).toMatchObject({ id, isCurrent: true });
          expect((await reader.read(id)).equals(bytes)).toBe(true);
        }
        expect(await listed(open(rotated), id)).toMatchObject({ isCurrent: false });
      },
    );

    it.each([100, 2 * CHUNK_BYTES + 5])('says which key is missing or wrong, and never gives other bytes (%i)', async (size) => {
      const sealed = open(FORMATS['zstd and AES'] ?? DEFAULT_FORMAT);
      const { id } = await sealed.put(text(size));
      const read = async (format: BlobFormat): Promise<Buffer> => buffer(await open(format).get(id));
      await expect(read(DEFAULT_FORMAT)).rejects.toThrow(/sealed with key 1, which BLOB_KEYS does not hold/);
      await expect(open(DEFAULT_FORMAT).read(id)).rejects.toThrow(/key 1/);
      const wrong = { level: 3, keys: { active: 1, byId: new Map([[1, testKey('another')]]) } };
      await expect(read(wrong)).rejects.toThrow(/does not open with key 1/);
      await expect(read(wrong)).rejects.toBeInstanceOf(BlobDamaged);
      await expect(open(wrong).storeAnew(id)).rejects.toBeInstanceOf(BlobDamaged);
      expect(await sealed.has(id)).toBe(true);
    });

    it.each([100, 2 * CHUNK_BYTES + 5, 8 * CHUNK_BYTES])('notices that sealed bytes were changed (%i)', async (size) => {
      const sealed = open(FORMATS['zstd and AES'] ?? DEFAULT_FORMAT);
      const { id } = await sealed.put(randomBytes(size));
      await tamper(id);
      await expect(buffer(await sealed.get(id).catch((error: unknown) => Promise.reject(error)))).rejects.toBeInstanceOf(BlobDamaged);
    });

    it('does not store anew what are other bytes than its name says', async () => {
      const plain = open(FORMATS['plain'] ?? DEFAULT_FORMAT);
      for (const size of [100, 2 * CHUNK_BYTES + 5]) {
        const { id } = await plain.put(randomBytes(size));
        await tamper(id);
        await expect(plain.storeAnew(id)).rejects.toBeInstanceOf(BlobDamaged);
        expect(await plain.has(id)).toBe(true);
      }
    });

    it('streams with flat memory, sealed and packed', { timeout: 60_000 }, async () => {
      const store = open(FORMATS['zstd and AES'] ?? DEFAULT_FORMAT);
      const size = 40 * 1024 * 1024;
      const piece = randomBytes(1024 * 1024);
      const before = liveBytes();
      let peak = 0;
      // Twice on the way in and twice on the way out: each look collects all garbage of a process that has run many suites.
      const between = 16 * piece.byteLength;
      const look = (from: number, to: number): void => {
        if (Math.floor(from / between) < Math.floor(to / between)) peak = Math.max(peak, liveBytes() - before);
      };
      const source = Readable.from(
        (function* () {
          for (let at = 0; at < size; at += piece.byteLength) {
            look(at - piece.byteLength, at);
            yield piece;
          }
        })(),
        { objectMode: false },
      );
      const { id } = await store.put(source);
      const sha = createHash('sha256');
      let read = 0;
      for await (const chunk of await store.get(id)) {
        sha.update(chunk as Buffer);
        const { byteLength } = chunk as Buffer;
        read += byteLength;
        look(read - byteLength, read);
      }
      expect(sha.digest('hex')).toBe(id);
      expect(peak).toBeLessThan(size / 2);
    });
  });
};

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

    it('keeps what was put since a moment, and says what went', async () => {
      const store = open();
      for (const bytes of [randomBytes(100), randomBytes(2 * CHUNK_BYTES + 5)]) {
        const { id } = await store.put(bytes);
        expect(await store.removeUnused([id], async () => new Set(), Date.now() - 60_000)).toEqual([]);
        expect(await store.read(id)).toEqual(bytes);
        expect(await store.removeUnused([id], async () => new Set(), Date.now() + 60_000)).toEqual([id]);
        expect(await store.has(id)).toBe(false);
      }
    });

    it('lists what is stored, by when it was put, and what was left aside', async () => {
      const store = open();
      const bytes = randomBytes(100);
      const { id } = await store.put(bytes);
      const ids = async (...range: Parameters<BlobStore['list']>): Promise<readonly BlobId[]> => {
        const found: BlobId[] = [];
        for await (const page of store.list(...range)) found.push(...page.map((blob) => blob.id));
        return found;
      };
      expect((await ids()).filter((listed) => listed === id)).toEqual([id]);
      expect(await ids({ since: Date.now() - 60_000, until: Date.now() + 60_000 })).toContain(id);
      expect(await ids({ since: Date.now() + 60_000 })).not.toContain(id);
      expect(await ids({ until: Date.now() - 60_000 })).not.toContain(id);
      await store.removeUnused([id], async () => {
        // As a power cut would leave it.
        expect([await ids(), await store.leftAside(0)]).toEqual([expect.not.arrayContaining([id]), expect.arrayContaining([id])]);
        return new Set([id]);
      });
      expect(await store.leftAside(0)).not.toContain(id);
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
          // Not by toEqual, which looks at each of a million numbers.
          expect((await store.read(stored.id)).equals(bytes)).toBe(true);
          expect((await buffer(await store.get(stored.id))).equals(bytes)).toBe(true);
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
