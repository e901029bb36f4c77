/** One key of 32 bytes per subject (user or mailbox). Destroying it makes every sealed field of that subject unreadable, everywhere. */
import type { SubjectId } from '../ids.ts';

export interface SubjectKeys {
  /** Keys of these subjects, made durable first where they do not exist yet; a destroyed one is null. */
  obtain(subjects: readonly SubjectId[]): Promise<ReadonlyMap<SubjectId, Buffer | null>>;
  /** As `obtain`, but makes none: unknown and destroyed subjects are null. */
  find(subjects: readonly SubjectId[]): Promise<ReadonlyMap<SubjectId, Buffer | null>>;
  /** For ever. Idempotent. */
  destroy(subject: SubjectId): Promise<void>;
}
