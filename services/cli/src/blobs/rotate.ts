/** Stores anew what is kept with another compression or key than those of today, then lets go of keys that nothing is sealed with any more. */
import { BlobDamaged, BlobNotFound } from '@tidings/contracts/ports/blob-store';
import { type BlobFormat, NO_KEY } from '@tidings/infra/blobs/format';
import { retireKeys } from '@tidings/infra/blobs/keys';
import type { OpenedBlobs } from '@tidings/infra/blobs/open';
import type { Out } from '../out.ts';
import { count, progressOf } from '../progress.ts';
import { countOf, eachBlob } from './each-blob.ts';

/** What is done already is passed by, so a run that was stopped goes on where it was. @returns 0 when all are kept as they should be, else 1 */
export const rotate = async ({ blobs, proofs }: OpenedBlobs, { keys, level }: BlobFormat, out: Out): Promise<number> => {
  const total = await countOf(blobs, ({ isCurrent }) => !isCurrent);
  const progress = progressOf(total, 'blobs', out);
  // Whatever is put from now on is another's doing.
  const until = Date.now();
  let wrong = 0;
  await eachBlob(blobs, { until }, async ({ id, isCurrent }) => {
    if (isCurrent) return;
    try {
      await blobs.storeAnew(id);
    } catch (error) {
      // Removed between listing and reading.
      if (error instanceof BlobNotFound) return;
      if (!(error instanceof BlobDamaged)) throw error;
      wrong += 1;
      progress.end();
      out.write(`${id}: ${error.message}; it stays as it is\n`);
    }
    progress.tick();
  });
  progress.end();
  const left = await countOf(blobs, ({ isCurrent }) => !isCurrent);
  if (left === 0) {
    const retired = await retireKeys(keys, proofs);
    const how = `${level === 0 ? 'unpacked' : `zstd:${level}`}, ${keys.active === NO_KEY ? 'not sealed' : `sealed with key ${keys.active}`}`;
    out.write(`${count(total)} blobs were stored anew; all are kept as they should be: ${how}.\n`);
    if (retired.length > 0)
      out.write(`Nothing is sealed with ${retired.map((id) => `key ${id}`).join(', ')} any more: it may leave BLOB_KEYS.\n`);
    return 0;
  }
  out.write(
    `${count(left)} blobs are not kept as they should be${
      wrong === 0 ? ': a Tidings with other BLOB_KEY or BLOB_COMPRESSION stores some. Start it with those of today, and run this again' : ''
    }.\n`,
  );
  return 1;
};
