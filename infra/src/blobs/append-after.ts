/** The other half of `removeUnused`: an event that names bytes put before is appended soon, or it is looked whether they are still there. */
import type { BlobId } from '@tidings/contracts/ids';
import { APPENDED_WITHIN_MS, type BlobStore, BlobStoreUnavailable } from '@tidings/contracts/ports/blob-store';

/**
 * Runs `append` right after the `put` of `blob`.
 * @throws BlobStoreUnavailable when it took so long that the bytes were removed: nobody may be told that they are kept. What `append` throws
 */
export const appendAfter = async <A>(blobs: Pick<BlobStore, 'has'>, blob: BlobId, append: () => Promise<A>): Promise<A> => {
  const startedAt = performance.now();
  const done = await append();
  if (performance.now() - startedAt > APPENDED_WITHIN_MS && !(await blobs.has(blob)))
    throw new BlobStoreUnavailable('the bytes were removed before an event named them');
  return done;
};
