import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, open, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { zstdCompressSync } from 'node:zlib';
import type { BlobId } from '@tidings/contracts/ids';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keptContract } from './contract.ts';
import { openFolderBlobs } from './folder.ts';
import { noLinkContract } from './link-contract.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidings-blobs-'));
});
afterAll(() => rm(folder, { recursive: true }));

const pathOf = (id: BlobId, ending = '.blob'): string => join(folder, id.slice(0, 2), id.slice(2, 4), `${id}${ending}`);

noLinkContract('folder', () => openFolderBlobs(folder, { settledMs: 50 }));
keptContract(
  'folder',
  (format) => openFolderBlobs(folder, { settledMs: 50, format }),
  async (id) => {
    const file = await open(pathOf(id), 'r+');
    const { size } = await file.stat();
    const last = Buffer.alloc(1);
    await file.read(last, 0, 1, size - 1);
    last[0] = (last[0] ?? 0) ^ 1;
    await file.write(last, 0, 1, size - 1);
    await file.close();
  },
);

describe('a folder of blobs', () => {
  it('leaves nothing half-written behind', async () => {
    const store = openFolderBlobs(folder);
    await expect(store.put(randomBytes(1_000_000), { maxBytes: 999_999 })).rejects.toThrow();
    expect(await readdir(join(folder, 'incoming'))).toEqual([]);
  });

  it('leaves alone what another process writes now, and sweeps what a crash left a day ago', async () => {
    const [now, old] = [join(folder, 'incoming', 'now'), join(folder, 'incoming', 'old')];
    for (const path of [now, old]) await writeFile(path, 'x');
    const dayAgo = Date.now() / 1000 - 90_000;
    await utimes(old, dayAgo, dayAgo);
    await openFolderBlobs(folder).put(randomBytes(10));
    expect(await readdir(join(folder, 'incoming'))).toEqual(['now']);
    await rm(now);
  });

  it('reads what earlier versions wrote, and stores it anew in the format of today', async () => {
    const store = openFolderBlobs(folder, { settledMs: 0 });
    const bytes = Buffer.from('What an earlier version wrote. '.repeat(20_000));
    const id = createHash('sha256').update(bytes).digest('hex') as BlobId;
    await mkdir(join(pathOf(id), '..'), { recursive: true });
    await writeFile(pathOf(id, '.zst'), zstdCompressSync(bytes));
    const reads = async (): Promise<void> => {
      expect((await store.read(id)).equals(bytes)).toBe(true);
      expect(await buffer(await store.get(id, { start: 300_000, end: 300_010 }))).toEqual(bytes.subarray(300_000, 300_011));
    };
    await reads();
    expect(await store.put(bytes)).toEqual({ id, size: bytes.byteLength });
    expect(await readdir(join(pathOf(id), '..'))).toEqual([`${id}.zst`]);
    await store.storeAnew(id);
    expect(await readdir(join(pathOf(id), '..'))).toEqual([`${id}.blob`]);
    await reads();
    expect(await store.removeUnused([id], async () => new Set())).toEqual([id]);
  });

  it('renews the time of what is put again', async () => {
    const store = openFolderBlobs(folder, { settledMs: 0 });
    const bytes = randomBytes(100);
    const { id } = await store.put(bytes);
    const hourAgo = Date.now() - 3_600_000;
    await utimes(pathOf(id), hourAgo / 1000, hourAgo / 1000);
    await store.put(bytes);
    expect(await store.removeUnused([id], async () => new Set(), Date.now() - 60_000)).toEqual([]);
  });
});
