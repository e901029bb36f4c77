/** Folds changes in memory: what these holders keep, and what was let go of on the way. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { BlobId } from '@tidings/contracts/ids';
import { type Change, isLeaf, rootOf } from './changes.ts';
import type { Holder } from './rules.ts';

export interface Mark {
  readonly id: BlobId;
  /** The last one that let go of it. */
  readonly event: Recorded;
  readonly atOnce: boolean;
}

type Pair = readonly [Holder, BlobId];

export class Fold {
  readonly #before = new Map<Holder, ReadonlySet<BlobId>>();
  readonly #now = new Map<Holder, ReadonlySet<BlobId>>();
  readonly #erased: ReadonlySet<Holder>;
  readonly #marks = new Map<BlobId, Mark>();

  /** @param rows what the holders keep so far */
  constructor(rows: readonly { readonly holder: Holder; readonly id: BlobId }[], erased: ReadonlySet<Holder>) {
    for (const [holder, kept] of Map.groupBy(rows, ({ holder }) => holder)) this.#before.set(holder, new Set(kept.map(({ id }) => id)));
    this.#erased = erased;
  }

  /** Paths with something below them are let go of elsewhere. */
  take(event: Recorded, { holders, blobs, letGo }: Change): void {
    const keeping = holders.filter((holder) => !this.#erased.has(rootOf(holder)));
    const kept = keeping.length > 0 ? new Set(blobs) : NOTHING;
    for (const holder of keeping) this.#set(holder, kept, kept, event);
    for (const holder of letGo) if (isLeaf(holder)) this.#set(holder, NOTHING, kept, event);
    if (keeping.length === 0 && holders.length > 0) for (const id of blobs) this.#mark({ id, event, atOnce: true });
  }

  /** @param stays of what it kept, because the same event keeps it */
  #set(holder: Holder, blobs: ReadonlySet<BlobId>, stays: ReadonlySet<BlobId>, event: Recorded): void {
    for (const id of this.#keptBy(holder)) if (!stays.has(id)) this.#mark({ id, event, atOnce: false });
    this.#now.set(holder, blobs);
  }

  #mark(mark: Mark): void {
    this.#marks.set(mark.id, mark);
  }

  #keptBy(holder: Holder): ReadonlySet<BlobId> {
    return this.#now.get(holder) ?? this.#before.get(holder) ?? NOTHING;
  }

  difference(): { readonly added: readonly Pair[]; readonly removed: readonly Pair[] } {
    const added: Pair[] = [];
    const removed: Pair[] = [];
    for (const [holder, now] of this.#now) {
      const before = this.#before.get(holder) ?? NOTHING;
      for (const id of now) if (!before.has(id)) added.push([holder, id]);
      for (const id of before) if (!now.has(id)) removed.push([holder, id]);
    }
    return { added, removed };
  }

  marks(): readonly Mark[] {
    return [...this.#marks.values()];
  }
}

const NOTHING: ReadonlySet<BlobId> = new Set();
