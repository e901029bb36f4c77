/**
 * Plain copies of large blobs and of parts that are cut out of them, `plain/<sha256>/…`: what a signed link hands out (docs/decisions/065). A copy is no
 * blob: it goes with its blob, and may go before it (an operator may expire `plain/`), since it can be made again.
 */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { BlobId } from '@tidings/contracts/ids';
import { BlobDamaged, type Download } from '@tidings/contracts/ports/blob-store';
import type { S3Bucket } from './s3-bucket.ts';

const PLAIN = 'plain/';
const WHOLE = 'whole';
/** A folder's name too, for services that keep objects as files. */
const PART_NAME = /^[\w.-]{1,100}$/;

/** Null for a part whose name cannot be one of a key. */
export const copyKeyOf = ({ id, part }: Pick<Download, 'id' | 'part'>): string | null => {
  if (part === undefined) return `${PLAIN}${id}/${WHOLE}`;
  return PART_NAME.test(part.name) ? `${PLAIN}${id}/part-${part.name}` : null;
};

/** Whole or not at all. @throws BlobDamaged when the blob holds other bytes than its name says */
export const writeCopy = async (bucket: S3Bucket, key: string, { id, part }: Download, whole: () => Promise<Readable>): Promise<void> =>
  bucket.stream(key, part === undefined ? checked(id, await whole()) : pieces(await part.read()));

async function* checked(id: BlobId, bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const sha256 = createHash('sha256');
  for await (const piece of bytes) {
    sha256.update(piece);
    yield piece;
  }
  if (sha256.digest('hex') !== id) throw new BlobDamaged(`blob ${id} holds other bytes than its name says`);
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** All that there are of a blob. */
export const removeCopies = async (bucket: S3Bucket, id: BlobId): Promise<void> => {
  for await (const page of bucket.list(`${PLAIN}${id}/`)) for (const { key } of page) await bucket.remove(key);
};

/** What there are copies of, in order of id; one with many may be there twice. */
export async function* copied(bucket: S3Bucket): AsyncGenerator<readonly { readonly id: BlobId }[]> {
  for await (const page of bucket.list(PLAIN)) {
    const ids = new Set(page.map(({ key }) => key.split('/')[1] as BlobId)); // we wrote it
    yield [...ids].map((id) => ({ id }));
  }
}

/** Parts of copies that a process which ended left half-written. */
export const abandonCopies = (bucket: S3Bucket, before: number): Promise<number> => bucket.abandonUploads(PLAIN, before);
