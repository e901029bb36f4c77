/** Links to plain copies, and the making of these behind what is answered meanwhile (docs/decisions/065). */
import type { Readable } from 'node:stream';
import type { BlobId } from '@tidings/contracts/ids';
import { BlobNotFound, type BlobStore, BlobStoreUnavailable, type Download } from '@tidings/contracts/ports/blob-store';
import { NO_KEY } from './format.ts';
import type { S3Bucket } from './s3-bucket.ts';
import { copyKeyOf, writeCopy } from './s3-copies.ts';
import { BLOBS } from './s3-listing.ts';
import { readTrailer, TRAILER_BYTES } from './s3-object.ts';
import type { SignLink } from './s3-signer.ts';

/** Up to here sending bytes costs less than telling where they are. */
const LINKED_FROM_BYTES = 2 * 1024 * 1024;
/** By this process. */
const COPIES_AT_ONCE = 2;
/** What cannot be written now can probably not be written a moment later. */
const REST_MS = 60_000;

export interface LinksOptions {
  readonly sign: SignLink;
  /** A copy could not be made. Nobody waits for it: who asked was sent the bytes otherwise. */
  readonly onFault: (fault: unknown, id: BlobId) => void;
}

export const linksTo = (bucket: S3Bucket, { sign, onFault }: LinksOptions, whole: (id: BlobId) => Promise<Readable>): BlobStore['link'] => {
  const making = new Set<string>();
  let restsUntil = -Infinity;

  const make = async (key: string, download: Download): Promise<void> => {
    if (!(await isPlain(bucket, download.id))) return;
    let stays = false;
    try {
      await writeCopy(bucket, key, download, () => whole(download.id));
      // Whoever removes a blob takes it from its place, and then its copies: either they see this one, or we see that the blob is not there.
      stays = await isPlain(bucket, download.id);
    } finally {
      if (!stays) await bucket.remove(key);
    }
  };

  const begin = (key: string, download: Download): void => {
    if (making.has(key) || making.size >= COPIES_AT_ONCE || performance.now() < restsUntil) return;
    making.add(key);
    void make(key, download)
      .catch((fault: unknown) => {
        if (fault instanceof BlobNotFound) return; // it was removed meanwhile
        restsUntil = performance.now() + REST_MS;
        onFault(fault, download.id);
      })
      .finally(() => making.delete(key));
  };

  return async (download) => {
    const key = copyKeyOf(download);
    if (key === null || download.size <= LINKED_FROM_BYTES) return null;
    try {
      if ((await bucket.head(key)) !== null) return await sign(key, download);
    } catch (error) {
      if (error instanceof BlobStoreUnavailable) return null; // the bytes may lie elsewhere too; if not, who sends them is told
      throw error;
    }
    begin(key, download);
    return null;
  };
};

/** In its place, and not sealed. */
const isPlain = async (bucket: S3Bucket, id: BlobId): Promise<boolean> => {
  const tail = await bucket.tail(BLOBS + id, TRAILER_BYTES);
  return tail !== null && readTrailer(id, tail.bytes).keyId === NO_KEY;
};
