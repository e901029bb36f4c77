/** One key of 32 bytes per subject (user or mailbox). Destroying it makes every sealed field of that subject unreadable, everywhere. */
import type { SubjectId } from '../ids.ts';

export interface SubjectKeys {
  /** Keys of these subjects, made durable first where they do not exist yet; a destroyed one is null. */
  obtain(subjects: readonly SubjectId[]): Promise<ReadonlyMap<SubjectId, Buffer | null>>;
  /** As `obtain`, but makes none: unknown and destroyed subjects are null. */
  find(subjects: readonly SubjectId[]): Promise<ReadonlyMap<SubjectId, Buffer | null>>;
  /** For ever. Idempotent. Elsewhere a key may still be used for `DESTROYED_EVERYWHERE_MS`. */
  destroy(subject: SubjectId): Promise<void>;
  /** Told of keys destroyed from now on, by whatever node, within about a second; a subject may be told twice. Returns the function that ends it. */
  onDestroyed(listener: (subject: SubjectId) => void): () => void;
}

/** By then no node uses a key that was destroyed. */
export const DESTROYED_EVERYWHERE_MS = 3_500;
