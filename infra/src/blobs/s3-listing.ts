/** What lies in a bucket, in order of id: blobs, and beside them, in step, what else there is about them. */
import type { BlobId } from '@tidings/contracts/ids';
import { BlobDamaged, type ListedBlob, type StoredBetween } from '@tidings/contracts/ports/blob-store';
import { type BlobFormat, NO_KEY } from './format.ts';
import type { S3Bucket, S3Object } from './s3-bucket.ts';
import { copied, removeCopies } from './s3-copies.ts';
import { readTrailer, TRAILER_BYTES } from './s3-object.ts';

export const BLOBS = 'blobs/';
export const ASIDE = 'aside/';
export const TOUCHED = 'touched/';

/** Requests at once, where many blobs are looked at. */
const REQUESTS = 16;

export const eachOf = async <A, B>(things: readonly A[], work: (thing: A) => Promise<B>): Promise<readonly B[]> => {
  const done: B[] = [];
  for (let at = 0; at < things.length; at += REQUESTS) done.push(...(await Promise.all(things.slice(at, at + REQUESTS).map(work))));
  return done;
};

export const idOf = ({ key }: Pick<S3Object, 'key'>): BlobId => key.slice(key.indexOf('/') + 1) as BlobId; // we wrote it

/** Plain copies that no blob is left of are removed in passing, and all of them where blobs are sealed. */
export async function* listed(
  bucket: S3Bucket,
  { since = -Infinity, until = Infinity }: StoredBetween,
  { level, keys }: BlobFormat,
): AsyncGenerator<readonly ListedBlob[]> {
  const touched = inStep(touches(bucket));
  const copies = inStep(copied(bucket));
  const sweep = async (there: ReadonlySet<BlobId>, upTo: BlobId | null): Promise<void> => {
    const isSealing = keys.active !== NO_KEY;
    const stray = (await copies(upTo)).filter(({ id }) => isSealing || !there.has(id));
    await eachOf(stray, async ({ id }) => (isSealing || (await isGone(bucket, id)) ? removeCopies(bucket, id) : undefined));
  };
  for await (const page of bucket.list(BLOBS)) {
    const ids = page.map(idOf);
    const last = ids.at(-1) ?? null;
    await sweep(new Set(ids), last);
    const renewed = new Map((await touched(last)).map(({ id, at }) => [id, at]));
    const wanted = page
      .map((object) => ({ ...object, id: idOf(object) }))
      .map(({ id, key, modifiedAt }) => ({ id, key, storedAt: Math.max(modifiedAt, renewed.get(id) ?? 0) }))
      .filter(({ storedAt }) => storedAt >= since && storedAt < until);
    if (wanted.length === 0) continue;
    yield await eachOf(wanted, async ({ id, key, storedAt }) => ({
      ...{ id, storedAt },
      isCurrent: await isKeptAs(bucket, id, key, level, keys.active),
    }));
  }
  await sweep(new Set(), null);
}

/** Neither in its place nor aside; it may come back as we look. */
const isGone = async (bucket: S3Bucket, id: BlobId): Promise<boolean> => {
  for (const key of [BLOBS + id, ASIDE + id, BLOBS + id]) if ((await bucket.head(key)) !== null) return false;
  return true;
};

async function* touches(bucket: S3Bucket) {
  for await (const page of bucket.list(TOUCHED)) yield page.map((object) => ({ id: idOf(object), at: object.modifiedAt }));
}

/** @param pages in order of id @returns what gives those up to an id (null: all that are left); asked for ever greater ones */
const inStep = <A extends { readonly id: BlobId }>(
  pages: AsyncGenerator<readonly A[]>,
): ((upTo: BlobId | null) => Promise<readonly A[]>) => {
  let ahead: readonly A[] = [];
  return async (upTo) => {
    const found: A[] = [];
    for (;;) {
      found.push(...ahead.filter(({ id }) => upTo === null || id <= upTo));
      ahead = ahead.filter(({ id }) => upTo !== null && id > upTo);
      if (ahead.length > 0) return found;
      const step = await pages.next();
      if (step.done === true) return found;
      ahead = step.value;
    }
  };
};

const isKeptAs = async (bucket: S3Bucket, id: BlobId, key: string, level: number, keyId: number): Promise<boolean> => {
  const tail = await bucket.tail(key, TRAILER_BYTES);
  if (tail === null) return true; // it went as we looked
  try {
    const trailer = readTrailer(id, tail.bytes);
    return trailer.level === level && trailer.keyId === keyId;
  } catch (error) {
    if (error instanceof BlobDamaged) return false; // whoever stores it anew is told
    throw error;
  }
};
