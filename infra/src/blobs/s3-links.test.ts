import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type CORSConfiguration, PutBucketCorsCommand, S3Client } from '@aws-sdk/client-s3';
import type { BlobId } from '@tidings/contracts/ids';
import type { Download } from '@tidings/contracts/ports/blob-store';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { s3Lacks, startS3, type S3Server } from '../../../tests/kit/s3.ts';
import { FORMATS } from './contract.ts';
import { DEFAULT_FORMAT } from './format.ts';
import { linkContract, linkTo, noLinkContract } from './link-contract.ts';
import { memoryBlobs } from './memory.ts';
import { movingBlobs } from './moving.ts';
import { S3Bucket } from './s3-bucket.ts';
import { linkSigner } from './s3-signer.ts';
import { openS3Blobs } from './s3.ts';

const lack = await s3Lacks();
const settledMs = 0;

/** Tells when a copy was written, and when one was removed. */
class WatchedBucket extends S3Bucket {
  readonly written: string[] = [];
  readonly removed: string[] = [];
  override async stream(key: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    await super.stream(key, pieces);
    this.written.push(key);
  }
  override async remove(key: string): Promise<void> {
    await super.remove(key);
    this.removed.push(key);
  }
}

describe.skipIf(lack !== null)(`links to S3${lack === null ? '' : ` (${lack})`}`, () => {
  let server: S3Server;
  let bucket: WatchedBucket;
  beforeAll(async () => {
    server = await startS3();
    bucket = new WatchedBucket(server.place('linked'));
    await bucket.ready();
  }, 600_000); // the first run builds the server
  afterAll(async () => {
    bucket.close();
    await server.stop();
  });
  const linking = (now?: () => number) => {
    const place = server.place('linked');
    return {
      sign: linkSigner(place, { url: place.endpoint ?? '', seconds: 60 }, now),
      onFault: (fault: unknown): void => {
        throw fault; // unheard, so that it fails the run
      },
    };
  };
  const open = () => openS3Blobs(bucket, { settledMs, links: linking() });
  const copies = async (id = ''): Promise<readonly string[]> => {
    const keys: string[] = [];
    for await (const page of bucket.list(`plain/${id}`)) keys.push(...page.map(({ key }) => key));
    return keys;
  };
  const large = async (store = open()): Promise<Download> => {
    const { id, size } = await store.put(randomBytes(3_000_000));
    return { id, size, type: 'application/octet-stream', disposition: 'attachment' };
  };
  const sealed = FORMATS['zstd and AES'] ?? DEFAULT_FORMAT;

  linkContract('S3', open);
  linkContract('S3 beside memory', () => movingBlobs({ to: open(), from: memoryBlobs({ settledMs }) }));
  noLinkContract('memory beside S3', () => movingBlobs({ to: memoryBlobs({ settledMs }), from: open() }));
  noLinkContract('S3 that was not told to', () => openS3Blobs(bucket, { settledMs }));
  noLinkContract('S3 that seals', () => openS3Blobs(bucket, { settledMs, format: sealed, links: linking() }));

  it('is good for one object, by one method and in its time', async () => {
    const download = await large();
    const link = await linkTo(open(), download);
    const other = await large();
    await linkTo(open(), other);
    const changed = (change: (url: URL) => void): URL => {
      const url = new URL(link);
      change(url);
      return url;
    };
    const status = async (url: URL, init?: RequestInit): Promise<number> => {
      const response = await fetch(url, init);
      await response.arrayBuffer();
      return response.status;
    };
    expect([...link.searchParams.keys()].filter((name) => !name.startsWith('X-Amz-')).toSorted()).toEqual([
      ...['response-cache-control', 'response-content-disposition', 'response-content-type', 'x-id'],
    ]);
    expect(await status(link)).toBe(200);
    expect(await status(changed((url) => (url.pathname = url.pathname.replace(download.id, other.id))))).toBe(403);
    expect(await status(changed((url) => (url.pathname = url.pathname.replace(/plain.*/, `blobs/${download.id}`))))).toBe(403);
    expect(await status(changed((url) => url.searchParams.set('X-Amz-Expires', '3600')))).toBe(403);
    expect(await status(changed((url) => url.searchParams.set('response-content-type', 'text/html')))).toBe(403);
    expect(await status(changed((url) => url.searchParams.delete('response-content-disposition')))).toBe(403);
    expect(await status(changed((url) => (url.search = '')))).toBe(403);
    for (const method of ['HEAD', 'PUT', 'DELETE']) expect(await status(link, { method })).toBe(403);
    const late = openS3Blobs(bucket, { settledMs, links: linking(() => Date.now() - 61_000) });
    expect(await status(await linkTo(late, download))).toBe(403);
    const inTime = openS3Blobs(bucket, { settledMs, links: linking(() => Date.now() - 30_000) });
    expect(await status(await linkTo(inTime, download))).toBe(200);
  });

  it('lets pages follow from anywhere, by the rules of the how-to', async () => {
    const { endpoint, credentials, region } = server.place('linked');
    const page = await readFile(new URL('../../../docs/how-to/engines.md', import.meta.url), 'utf8');
    const CORSConfiguration = JSON.parse(/```json cors\n(.*?)```/s.exec(page)?.[1] ?? '') as CORSConfiguration; // the server decodes it
    const client = new S3Client({ region, endpoint: endpoint ?? '', forcePathStyle: true, ...(credentials && { credentials }) });
    await client.send(new PutBucketCorsCommand({ Bucket: 'linked', CORSConfiguration }));
    client.destroy();
    const link = await linkTo(open(), await large());
    // What a browser says that was redirected from one foreign origin to another (Fetch §4.4).
    const asks = { origin: 'null', 'access-control-request-method': 'GET', 'access-control-request-headers': 'tidings-position' };
    const allowed = await fetch(link, { method: 'OPTIONS', headers: asks });
    expect([allowed.status, allowed.headers.get('access-control-allow-headers')]).toEqual([200, 'tidings-position']);
    const answer = await fetch(link, { headers: { origin: 'null', 'tidings-position': '1' } });
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, '*']);
    await answer.body?.cancel();
  });

  it('makes no copy of what was sealed before', async () => {
    const { id, size } = await openS3Blobs(bucket, { settledMs, format: sealed }).put(randomBytes(3_000_000));
    const format = { ...sealed, keys: { ...sealed.keys, active: 0 } };
    const store = openS3Blobs(bucket, { settledMs, format, links: linking() });
    const read = vi.fn<() => Promise<Uint8Array>>();
    const looks = vi.spyOn(bucket, 'tail');
    for (const part of [undefined, { name: '1', read }])
      expect(await store.link({ id, size, type: 'text/plain', disposition: 'attachment', ...(part && { part }) })).toBeNull();
    expect(looks).toHaveBeenCalledTimes(2);
    await Promise.all(looks.mock.results.map(({ value }) => value as Promise<unknown>)); // of `tail`
    looks.mockRestore();
    await linkTo(store, await large(store)); // later than either would have begun
    expect(read).not.toHaveBeenCalled();
    expect(await copies(id)).toEqual([]);
  });

  it('leaves no copy that is finished while its blob goes', async () => {
    const store = open();
    const download = await large(store);
    const held = Promise.withResolvers<Uint8Array>();
    const asked = Promise.withResolvers<void>();
    const read = (): Promise<Uint8Array> => {
      asked.resolve();
      return held.promise;
    };
    expect(await store.link({ ...download, part: { name: 'late', read } })).toBeNull();
    await asked.promise;
    expect(await store.removeUnused([download.id], async () => new Set())).toEqual([download.id]);
    held.resolve(randomBytes(3_000_000));
    const key = `plain/${download.id}/part-late`;
    await vi.waitFor(() =>
      expect([bucket.written, bucket.removed]).toEqual([expect.arrayContaining([key]), expect.arrayContaining([key])]),
    );
    expect(await copies(download.id)).toEqual([]);
  });

  it('makes again what an operator let expire', async () => {
    const store = open();
    const download = await large(store);
    const link = await linkTo(store, download);
    for (const key of await copies(download.id)) await bucket.remove(key);
    expect((await fetch(link)).status).toBe(404);
    expect(await store.link(download)).toBeNull();
    expect((await fetch(await linkTo(store, download))).status).toBe(200);
  });

  it('sweeps, as it lists, copies that no blob is left of, and all of them once it seals', async () => {
    const store = open();
    const download = await large(store);
    await linkTo(store, download);
    // As a process leaves it that is killed between its copy and its last look.
    const stray = ['0', 'f'].map((digit) => digit.repeat(64) as BlobId);
    for (const id of stray) await bucket.write(`plain/${id}/whole`, Buffer.from('x'));
    const walk = async (of: ReturnType<typeof open>): Promise<void> => {
      for await (const page of of.list({ until: 0 })) expect(page).toEqual([]);
    };
    const aside = openS3Blobs(bucket, { settledMs });
    await aside.removeUnused([download.id], async () => {
      await walk(store);
      return new Set([download.id]);
    });
    const left = await copies();
    expect(left).toContain(`plain/${download.id}/whole`);
    for (const id of stray) expect(left).not.toContain(`plain/${id}/whole`);
    await walk(openS3Blobs(bucket, { format: sealed }));
    expect(await copies()).toEqual([]);
  });

  it('says what went wrong behind it, and does not try that again at once', async () => {
    const said: unknown[] = [];
    const store = openS3Blobs(bucket, { settledMs, links: { ...linking(), onFault: (fault, id) => void said.push([fault, id]) } });
    const download = await large(store);
    const read = vi.fn<() => Promise<Uint8Array>>(() => Promise.reject(new Error('it cannot be cut')));
    const part = { ...download, part: { name: '1', read } };
    expect(await store.link(part)).toBeNull();
    await vi.waitFor(() => expect(said).toEqual([[expect.objectContaining({ message: 'it cannot be cut' }), download.id]]));
    expect([await store.link(part), await store.link(download)]).toEqual([null, null]);
    expect(read).toHaveBeenCalledTimes(1);
    expect(await copies(download.id)).toEqual([]);
  });

  it('leaves it to who sends the bytes that the service is away', async () => {
    const away = new S3Bucket({ ...server.place('linked'), endpoint: 'http://127.0.0.1:1' });
    const download = await large();
    expect(await openS3Blobs(away, { links: linking() }).link(download)).toBeNull();
    const both = movingBlobs({ to: open(), from: openS3Blobs(away, { links: linking() }) });
    expect(await linkTo(both, download)).toBeInstanceOf(URL);
    away.close();
  });

  it('makes no copy of a blob that holds other bytes than its name says', async () => {
    const said: unknown[] = [];
    const store = openS3Blobs(bucket, { settledMs, links: { ...linking(), onFault: (fault) => void said.push(fault) } });
    const [one, other] = [await large(store), await large(store)];
    await bucket.copy(`blobs/${other.id}`, `blobs/${one.id}`);
    expect(await store.link(one)).toBeNull();
    await vi.waitFor(() => expect(said).toMatchObject([{ name: 'BlobDamaged' }]));
    expect(await copies(one.id)).toEqual([]);
  });
});
