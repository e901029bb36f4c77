/** Goes through a blob store, a few blobs at once. */
import type { BlobStore, ListedBlob, StoredBetween } from '@tidings/contracts/ports/blob-store';

const AT_ONCE = 4;

export const countOf = async (blobs: BlobStore, isCounted: (blob: ListedBlob) => boolean = () => true): Promise<number> => {
  let total = 0;
  for await (const page of blobs.list()) total += page.filter(isCounted).length;
  return total;
};

/** @throws what `work` throws first, once the others in hand have ended */
export const eachBlob = async (blobs: BlobStore, range: StoredBetween, work: (blob: ListedBlob) => Promise<void>): Promise<void> => {
  for await (const page of blobs.list(range)) await eachOf(page, work);
};

/** Of a page. @throws as `eachBlob` */
export const eachOf = async (page: readonly ListedBlob[], work: (blob: ListedBlob) => Promise<void>): Promise<void> => {
  const waiting = [...page];
  const worker = async (): Promise<void> => {
    for (let blob = waiting.shift(); blob !== undefined; blob = waiting.shift()) await work(blob);
  };
  const ended = await Promise.allSettled(Array.from({ length: AT_ONCE }, worker));
  const failed = ended.find((end) => end.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
};
