/**
 * Moves blobs from `BLOBS_ALSO` to `BLOBS`, beside a Tidings that runs. Each is read, stored and read back by its sha256 before it leaves its old
 * place, so a run that was stopped anywhere is run again.
 */
import type { BlobId } from '@tidings/contracts/ids';
import { BlobDamaged, BlobNotFound, type BlobStore } from '@tidings/contracts/ports/blob-store';
import type { Moving } from '@tidings/infra/blobs/moving';
import { SETTLED_MS } from '@tidings/infra/blobs/removal';
import { createHash } from 'node:crypto';
import type { Out } from '../out.ts';
import { count, progressOf } from '../progress.ts';
import { countOf, eachOf } from './each-blob.ts';

/** Longer than a removal that is under way leaves anything aside. */
const LEFT_MS = 2 * SETTLED_MS;

/** @param keep they stay in their old place as well. @returns 0 when all are in their new place, else 1 */
export const move = async ({ from, to }: Moving<BlobStore>, keep: boolean, out: Out): Promise<number> => {
  // What a run that was killed had set aside comes back.
  const left = await from.leftAside(LEFT_MS);
  await from.removeUnused(left, (ids) => Promise.resolve(new Set(ids)));
  const progress = progressOf(await countOf(from), 'blobs', out);
  let moved = 0;
  let wrong = 0;
  for await (const page of from.list()) {
    const there: BlobId[] = [];
    await eachOf(page, async ({ id }) => {
      const fault = await copied(from, to, id);
      progress.tick();
      if (fault === GONE) return;
      if (fault === null) {
        there.push(id);
        return;
      }
      wrong += 1;
      progress.end();
      out.write(`${id}: ${fault}; it stays where it is\n`);
    });
    // They are in use, most of them, and found in their new place from now on.
    if (!keep) await from.removeUnused(there, () => Promise.resolve(new Set<BlobId>()));
    moved += there.length;
  }
  progress.end();
  const rest = keep ? 0 : (await countOf(from)) + (await from.leftAside(0)).length;
  out.write(`${count(moved)} blobs were ${keep ? 'copied' : 'moved'}, each read back.\n`);
  if (wrong > 0) out.write(`${count(wrong)} could not be: see above.\n`);
  else if (rest > 0)
    out.write(
      `${count(rest)} came meanwhile, or are being removed: start every node with this BLOBS and BLOBS_ALSO, then run this again.\n`,
    );
  else if (!keep)
    out.write('Nothing is left in the old place: once every node is started without BLOBS_ALSO, it is not needed any more.\n');
  return wrong === 0 && rest === 0 ? 0 : 1;
};

/** Removed between listing and reading: nobody needs it. */
const GONE = 'gone';

/** @returns null when it is in its new place, as its name says; else what is wrong */
const copied = async (from: BlobStore, to: BlobStore, id: BlobId): Promise<string | null> => {
  try {
    const stored = await to.put(await from.get(id));
    if (stored.id !== id) return 'holds other bytes than its name says'; // nobody names what was stored, so it is collected
    const sha256 = createHash('sha256');
    for await (const piece of await to.get(id)) sha256.update(piece as Buffer);
    if (sha256.digest('hex') === id) return null;
    return 'is not read back as it was written';
  } catch (error) {
    if (error instanceof BlobNotFound) return GONE;
    if (error instanceof BlobDamaged) return error.message;
    throw error;
  }
};
