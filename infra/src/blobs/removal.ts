/**
 * Removing bytes while the same bytes may be put again (docs/decisions/024). A `put` that finds them there writes nothing, and the event that
 * names them comes a moment later: so they are set aside, that moment passes, and only then is it asked who refers to them.
 */
import type { BlobId } from '@tidings/contracts/ids';
import { APPENDED_WITHIN_MS, type BlobStore } from '@tidings/contracts/ports/blob-store';
import { setTimeout as delay } from 'node:timers/promises';

/** What an adapter does with some bytes. Each is nothing where there is nothing to do. */
export interface Aside {
  /** A `put` of these bytes stores them anew from now on; readers find them all the same. Those put at `putBefore` or later stay where they are. */
  readonly setAside: (ids: readonly BlobId[], putBefore: number) => Promise<void>;
  /** Back to where they were, unless they were put again. */
  readonly restore: (ids: readonly BlobId[]) => Promise<void>;
  /** @returns those that lay aside; the same bytes may have been put again since */
  readonly drop: (ids: readonly BlobId[]) => Promise<readonly BlobId[]>;
}

/** Beyond `APPENDED_WITHIN_MS`: a `put` looks a moment before it answers. */
const MARGIN_MS = 1_000;
export const SETTLED_MS = APPENDED_WITHIN_MS + MARGIN_MS;
const BATCH = 1_000;

export const removalBy =
  (aside: Aside, settledMs = SETTLED_MS): BlobStore['removeUnused'] =>
  async (ids, inUse, putBefore = Infinity) => {
    if (ids.length === 0) return [];
    const batches = Array.from({ length: Math.ceil(ids.length / BATCH) }, (_, at) => ids.slice(at * BATCH, (at + 1) * BATCH));
    try {
      for (const batch of batches) await aside.setAside(batch, putBefore);
      await delay(settledMs);
      const used = await inUse(ids);
      const gone: BlobId[] = [];
      for (const batch of batches) {
        await aside.restore(batch.filter((id) => used.has(id)));
        gone.push(...(await aside.drop(batch.filter((id) => !used.has(id)))));
      }
      return gone;
    } catch (error) {
      for (const batch of batches) await aside.restore(batch).catch(() => undefined); // the error itself is what counts; they stay readable
      throw error;
    }
  };
