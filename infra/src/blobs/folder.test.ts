import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import type { BlobStore } from '@tidings/contracts/ports/blob-store';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { blobStoreContract } from './contract.ts';
import { openFolderBlobs } from './folder.ts';

let folder: string;
let store: BlobStore;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidings-blobs-'));
  store = await openFolderBlobs(folder, { settledMs: 50 });
});
afterAll(() => rm(folder, { recursive: true }));

blobStoreContract('folder', () => store);

it('leaves nothing half-written behind', async () => {
  await expect(store.put(randomBytes(1_000_000), { maxBytes: 999_999 })).rejects.toThrow();
  expect(await readdir(join(folder, 'incoming'))).toEqual([]);
});
