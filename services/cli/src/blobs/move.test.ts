import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BlobId } from '@tidings/contracts/ids';
import type { BlobStore } from '@tidings/contracts/ports/blob-store';
import { openFolderBlobs } from '@tidings/infra/blobs/folder';
import { memoryBlobs } from '@tidings/infra/blobs/memory';
import { migrateBlobs, openPostgresBlobs } from '@tidings/infra/blobs/postgres';
import { movingBlobs } from '@tidings/infra/blobs/moving';
import { S3Bucket } from '@tidings/infra/blobs/s3-bucket';
import { linkSigner } from '@tidings/infra/blobs/s3-signer';
import { openS3Blobs } from '@tidings/infra/blobs/s3';
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { linkTo } from '../../../../infra/src/blobs/link-contract.ts';
import { createTestDatabase } from '../../../../tests/kit/postgres.ts';
import { s3Lacks, startS3, type S3Server } from '../../../../tests/kit/s3.ts';
import { move } from './move.ts';

const settledMs = 50;
const said = async (moving: { from: BlobStore; to: BlobStore }, keep = false): Promise<readonly [number, string]> => {
  let out = '';
  const code = await move(moving, keep, { write: (text) => (out += text) });
  return [code, out];
};
const idsIn = async (store: BlobStore): Promise<readonly BlobId[]> => {
  const ids: BlobId[] = [];
  for await (const page of store.list()) ids.push(...page.map(({ id }) => id));
  return ids.toSorted();
};

describe('tidings blobs move', () => {
  it('goes on after it was stopped anywhere', async () => {
    const [from, to] = [memoryBlobs({ settledMs: 0 }), memoryBlobs({ settledMs: 0 })];
    const values = Array.from({ length: 20 }, () => randomBytes(500));
    const ids = (await Promise.all(values.map((value) => from.put(value)))).map(({ id }) => id).toSorted();
    let puts = 0;
    const failing: BlobStore = { ...to, put: (bytes) => (++puts > 7 ? Promise.reject(new Error('the disk is full')) : to.put(bytes)) };
    await expect(said({ from, to: failing })).rejects.toThrow('the disk is full');
    expect(await idsIn(from)).toEqual(ids);
    // As a kill leaves it: set aside, and nobody is there to take them away or back.
    await new Promise<void>((killed) => {
      void from.removeUnused(ids.slice(0, 5), () => new Promise(() => killed()));
    });
    expect((await idsIn(from)).length).toBe(15);
    expect((await said({ from, to }))[0]).toBe(0);
    expect([await idsIn(to), await idsIn(from)]).toEqual([ids, []]);
  });

  it('leaves what is damaged where it is, and says so; and what is not read back', async () => {
    const [from, to] = [memoryBlobs({ settledMs: 0 }), memoryBlobs({ settledMs: 0 })];
    const [good, bad] = [await from.put(randomBytes(50)), await from.put(randomBytes(60))];
    const lying: BlobStore = { ...from, get: (id) => from.get(id === bad.id ? good.id : id) };
    expect(await said({ from: lying, to })).toEqual([
      1,
      expect.stringContaining(`${bad.id}: holds other bytes than its name says; it stays`),
    ]);
    const forgetful: BlobStore = { ...to, get: () => to.get(good.id) };
    expect(await said({ from, to: forgetful })).toEqual([1, expect.stringContaining(`${bad.id}: is not read back as it was written`)]);
    expect([await idsIn(from), (await said({ from, to }))[0], await idsIn(from)]).toEqual([[bad.id], 0, []]);
  });
});

const lack = await s3Lacks();

describe.skipIf(lack !== null)(`tidings blobs move, all ways${lack === null ? '' : ` (${lack})`}`, () => {
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  let pool: Pool;
  let folder: string;
  let server: S3Server;
  let bucket: S3Bucket;
  let places: Readonly<Record<'postgres' | 'folder' | 's3', BlobStore>>;
  beforeAll(async () => {
    [database, server] = await Promise.all([createTestDatabase(), startS3()]);
    pool = new Pool({ connectionString: database.url, max: 4 });
    await migrateBlobs(pool);
    folder = await mkdtemp(join(tmpdir(), 'tidings-move-'));
    const place = server.place('moved');
    bucket = new S3Bucket(place);
    await bucket.ready();
    const onFault = (fault: unknown): void => {
      throw fault; // unheard, so that it fails the run
    };
    const links = { sign: linkSigner(place, { url: place.endpoint ?? '', seconds: 60 }), onFault };
    places = {
      postgres: openPostgresBlobs({ pool, settledMs }),
      folder: openFolderBlobs(folder, { settledMs }),
      s3: openS3Blobs(bucket, { settledMs, links }),
    };
  }, 600_000); // the first run builds the server
  afterAll(async () => {
    bucket.close();
    await Promise.all([server.stop(), pool.end().then(() => database.drop()), rm(folder, { recursive: true })]);
  });

  const ways = (['postgres', 'folder', 's3'] as const).flatMap((from) =>
    (['postgres', 'folder', 's3'] as const).filter((to) => to !== from).map((to) => [from, to] as const),
  );
  /** To those that are large enough for it. */
  const linkToAll = async (store: BlobStore, values: ReadonlyMap<BlobId, Buffer>): Promise<void> => {
    const large = [...values].filter(([, { byteLength }]) => byteLength === 3_000_000);
    for (const [id, { byteLength: size }] of large) await linkTo(store, { id, size, type: 'text/plain', disposition: 'attachment' });
    const copies: string[] = [];
    for await (const page of bucket.list('plain/')) copies.push(...page.map(({ key }) => key));
    expect(copies).toEqual(large.map(([id]) => `plain/${id}/whole`));
  };

  it.each(ways)('moves from %s to %s while others put and read', async (fromName, toName) => {
    const [from, to] = [places[fromName], places[toName]];
    const both = movingBlobs({ to, from });
    const values = new Map<BlobId, Buffer>();
    const put = async (store: BlobStore, bytes: Buffer): Promise<void> => void values.set((await store.put(bytes)).id, bytes);
    for (const size of [0, 10, 5_000, 300_000, 3_000_000]) await put(from, randomBytes(size));
    for (let n = 0; n < 20; n += 1) await put(from, randomBytes(200 + n));
    if (fromName === 's3') await linkToAll(from, values);
    const moving = said({ from, to });
    let done = false;
    void moving.finally(() => (done = true));
    for (let n = 0; !done || n < 5; n += 1) {
      if (n < 20) await put(both, randomBytes(1_000 + n));
      for (const [id, bytes] of [...values].slice(n % 5, (n % 5) + 4)) expect((await both.read(id)).equals(bytes)).toBe(true);
    }
    expect(await moving).toEqual([0, expect.stringMatching(/\d+ blobs were moved, each read back\.\nNothing is left in the old place/)]);
    expect(await idsIn(from)).toEqual([]);
    for await (const page of bucket.list('plain/')) expect(page).toEqual([]);
    for (const [id, bytes] of values) expect((await to.read(id)).equals(bytes)).toBe(true);
    // And copied, which leaves them.
    const [stay] = values.keys();
    expect(await said({ from: to, to: from }, true)).toEqual([0, expect.stringContaining('blobs were copied, each read back.\n')]);
    expect([await from.has(stay as BlobId), await to.has(stay as BlobId)]).toEqual([true, true]);
    await to.removeUnused(await idsIn(to), async () => new Set());
    await from.removeUnused(await idsIn(from), async () => new Set());
  });
});
