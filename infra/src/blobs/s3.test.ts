import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { type BlobId } from '@tidings/contracts/ids';
import { BlobDamaged, BlobNotFound, BlobStoreUnavailable, TOUCHED_WITHIN_MS } from '@tidings/contracts/ports/blob-store';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { s3Lacks, startS3, type S3Server } from '../../../tests/kit/s3.ts';
import { FORMATS, keptContract, testKey } from './contract.ts';
import { CHUNK_BYTES } from './intake.ts';
import { checkKeys } from './keys.ts';
import { S3Bucket } from './s3-bucket.ts';
import { TRAILER_BYTES } from './s3-object.ts';
import { openS3Blobs, s3KeyProofs } from './s3.ts';

const lack = await s3Lacks();

describe.skipIf(lack !== null)(`S3${lack === null ? '' : ` (${lack})`}`, () => {
  let server: S3Server;
  let bucket: S3Bucket;
  beforeAll(async () => {
    server = await startS3();
    bucket = new S3Bucket(server.place('blobs'));
    await bucket.ready();
  }, 600_000); // the first run builds the server
  afterAll(async () => {
    bucket.close();
    await server.stop();
  });
  const all = async (prefix: string, of = bucket): Promise<readonly string[]> => {
    const keys: string[] = [];
    for await (const page of of.list(prefix)) keys.push(...page.map(({ key }) => key));
    return keys;
  };
  const flipped = async (id: BlobId): Promise<void> => {
    const { bytes } = (await bucket.tail(`blobs/${id}`, 100 * CHUNK_BYTES)) ?? { bytes: Buffer.alloc(0) };
    const count = Math.ceil(Number(bytes.readBigUInt64BE(bytes.byteLength - TRAILER_BYTES + 4)) / CHUNK_BYTES);
    const at = bytes.byteLength - TRAILER_BYTES - 5 * count - 1;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    await bucket.write(`blobs/${id}`, bytes);
  };

  // A request costs more than a file: the whole contract in every format is for `npm run test:engines`.
  const sealed = Object.fromEntries(Object.entries(FORMATS).slice(-1));
  const formats = process.env['TIDINGS_ENGINES'] === undefined ? sealed : FORMATS;
  keptContract('S3', (format) => openS3Blobs(bucket, { settledMs: 50, format }), flipped, formats);

  it('is a real server', async ({ annotate }) => {
    await annotate(`engines: S3 by versitygw ${server.version}`);
    const [place, empty] = [server.place('blobs'), new S3Bucket(server.place('another'))];
    const stranger = new S3Bucket({ ...place, credentials: { accessKeyId: 'tidings', secretAccessKey: 'a guess' } });
    await expect(stranger.ready()).rejects.toThrow(BlobStoreUnavailable);
    await empty.ready();
    await empty.ready();
    expect(await all('', empty)).toEqual([]);
    for (const opened of [stranger, empty]) opened.close();
  });

  it('keeps nothing of what was refused or broke, however large', async () => {
    const store = openS3Blobs(bucket);
    const bytes = randomBytes(12 * 1024 * 1024);
    const before = await all('blobs/');
    await expect(store.put(Readable.from([bytes]), { maxBytes: bytes.byteLength - 1 })).rejects.toThrow(/more than/);
    const broken = (async function* () {
      yield bytes;
      throw new Error('the peer hung up');
    })();
    await expect(store.put(Readable.from(broken))).rejects.toThrow('the peer hung up');
    expect([await all('incoming/'), await all('blobs/')]).toEqual([[], before]);
    expect(await bucket.abandonUploads('incoming/', Date.now() + 60_000)).toBe(0);
    const { id } = await store.put(Readable.from([bytes]));
    expect(
      createHash('sha256')
        .update(await buffer(await store.get(id)))
        .digest('hex'),
    ).toBe(id);
    expect(await all('incoming/')).toEqual([]);
  });

  it('sweeps what a crash left a day ago, and nothing younger', async () => {
    await bucket.write('incoming/left', Buffer.from('x'));
    await openS3Blobs(bucket).put(randomBytes(3_000_000));
    expect(await all('incoming/')).toEqual(['incoming/left']);
    const now = vi.spyOn(Date, 'now').mockReturnValueOnce(Date.now() + 2 * 86_400_000); // for the sweep, which asks first
    await openS3Blobs(bucket).put(randomBytes(3_000_000));
    now.mockRestore();
    expect(await all('incoming/')).toEqual([]);
  });

  it('renews the time of what is put again', async () => {
    const store = openS3Blobs(bucket, { settledMs: 0 });
    for (const bytes of [randomBytes(100), randomBytes(3_000_000)]) {
      const { id } = await store.put(bytes);
      const later = Date.now() + TOUCHED_WITHIN_MS + 5_000;
      const now = vi.spyOn(Date, 'now').mockReturnValue(later);
      await store.put(bytes);
      now.mockRestore();
      expect(await all(`touched/${id}`)).toHaveLength(1);
      const { modifiedAt } = (await bucket.head(`touched/${id}`)) ?? { modifiedAt: 0 };
      expect(await store.removeUnused([id], async () => new Set(), modifiedAt)).toEqual([]);
      expect(await store.read(id)).toEqual(bytes);
      for await (const page of store.list({ since: modifiedAt })) expect(page.map((blob) => blob.id)).toContain(id);
      expect(await store.removeUnused([id], async () => new Set())).toEqual([id]);
      expect(await all(`touched/${id}`)).toEqual([]);
    }
  });

  it('goes on reading where it was when bytes move meanwhile, or the server does', async () => {
    const store = openS3Blobs(bucket, { settledMs: 0 });
    const bytes = randomBytes(8 * CHUNK_BYTES + 5);
    const { id } = await store.put(bytes);
    const reading = await store.get(id);
    await store.removeUnused([id], async () => {
      expect((await buffer(reading)).equals(bytes)).toBe(true);
      return new Set();
    });
    const again = await store.put(bytes);
    const opened = await store.get(again.id, { start: 5, end: bytes.byteLength - 2 });
    await server.kill();
    await server.start();
    expect((await buffer(opened)).equals(bytes.subarray(5, -1))).toBe(true);
  });

  it('says that an object is cut short, and that it is none of ours', async () => {
    const store = openS3Blobs(bucket);
    const { id } = await store.put(randomBytes(3 * CHUNK_BYTES));
    const { bytes } = (await bucket.tail(`blobs/${id}`, 100 * CHUNK_BYTES)) ?? { bytes: Buffer.alloc(0) };
    for (const wrong of [bytes.subarray(10), bytes.subarray(0, -10), Buffer.from('not ours'), bytes.subarray(-TRAILER_BYTES)]) {
      await bucket.write(`blobs/${id}`, wrong);
      await expect(store.read(id)).rejects.toBeInstanceOf(BlobDamaged);
    }
    await store.storeAnew(id).catch((error: unknown) => expect(error).toBeInstanceOf(BlobDamaged));
  });

  it('keeps proofs of keys, and stops whoever has others', async () => {
    const proofs = s3KeyProofs(bucket);
    const keys = { active: 7, byId: new Map([[7, testKey('seven')]]) };
    await checkKeys(keys, proofs);
    await checkKeys(keys, proofs);
    await expect(checkKeys({ ...keys, byId: new Map([[7, testKey('other')]]) }, proofs)).rejects.toThrow(/key 7/);
    await proofs.remove(7);
    expect(await proofs.all()).toEqual(new Map());
  });

  it('says so when the service is not there', async () => {
    const nowhere = openS3Blobs(new S3Bucket({ ...server.place('blobs'), endpoint: 'http://127.0.0.1:1' }));
    for (const bytes of [Buffer.from('small'), randomBytes(3_000_000)])
      await expect(nowhere.put(bytes)).rejects.toBeInstanceOf(BlobStoreUnavailable);
    const unknown = 'f'.repeat(64) as BlobId;
    await expect(nowhere.has(unknown)).rejects.toThrow(/looking for blobs\/f+ in bucket blobs at http:\/\/127.0.0.1:1/);
    await expect(openS3Blobs(bucket).read(unknown)).rejects.toBeInstanceOf(BlobNotFound);
  });
});
