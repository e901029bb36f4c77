/** Reads every blob and compares its bytes with its name, which is their sha256. */
import type { BlobId } from '@tidings/contracts/ids';
import { BlobNotFound, BlobStoreUnavailable, type BlobStore } from '@tidings/contracts/ports/blob-store';
import { createHash } from 'node:crypto';
import type { Out } from '../out.ts';
import { count, progressOf } from '../progress.ts';
import { countOf, eachBlob } from './each-blob.ts';

/** @returns 0 when all are as they were given, else 1 */
export const verify = async (blobs: BlobStore, out: Out): Promise<number> => {
  const total = await countOf(blobs);
  const progress = progressOf(total, 'blobs', out);
  let read = 0;
  let wrong = 0;
  await eachBlob(blobs, {}, async ({ id }) => {
    const fault = await faultOf(blobs, id);
    progress.tick();
    if (fault === null) read += 1;
    if (fault === null || fault === GONE) return;
    wrong += 1;
    progress.end();
    out.write(`${id}: ${fault}\n`);
  });
  progress.end();
  out.write(
    wrong === 0 ? `${count(read)} blobs are as they were given.\n` : `${count(wrong)} of ${count(read + wrong)} blobs are wrong.\n`,
  );
  return wrong === 0 ? 0 : 1;
};

/** Removed between listing and reading: nobody needs it. */
const GONE = 'gone';

const faultOf = async (blobs: BlobStore, id: BlobId): Promise<string | null> => {
  try {
    const hash = createHash('sha256');
    for await (const piece of await blobs.get(id)) hash.update(piece as Buffer);
    return hash.digest('hex') === id ? null : 'holds other bytes than its name says';
  } catch (error) {
    if (error instanceof BlobNotFound) return GONE;
    // A store that is away says nothing about this blob; a key that is not at hand does.
    if (error instanceof BlobStoreUnavailable && !error.message.includes(id)) throw error;
    return error instanceof Error ? error.message : String(error);
  }
};
