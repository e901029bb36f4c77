/** Subject keys in memory, for tests. */
import { randomBytes } from 'node:crypto';
import type { SubjectId } from '@tidings/contracts/ids';
import type { SubjectKeys } from '@tidings/contracts/ports/subject-keys';

const KEY_BYTES = 32;

export const memorySubjectKeys = (): SubjectKeys => {
  const keys = new Map<SubjectId, Buffer | null>();
  const listeners = new Set<(subject: SubjectId) => void>();
  const find = (subjects: readonly SubjectId[]): ReadonlyMap<SubjectId, Buffer | null> =>
    new Map(subjects.map((subject) => [subject, keys.get(subject) ?? null]));
  return {
    obtain: async (subjects) => {
      for (const subject of subjects) if (!keys.has(subject)) keys.set(subject, randomBytes(KEY_BYTES));
      return find(subjects);
    },
    find: async (subjects) => find(subjects),
    destroy: async (subject) => {
      keys.set(subject, null);
      for (const listener of listeners) listener(subject);
    },
    onDestroyed: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
};
