/** What an expectation means, for adapters that decide in process. The Postgres adapter says the same in SQL. */
import type { Expected, NewEvent } from '@tidings/contracts/ports/event-log';

export type Verdict = 'append' | 'duplicate' | 'conflict';

/**
 * @param current last revision of the stream, -1 when it does not exist
 * @param idAt the id of the stream's event at a revision
 */
export const verdictOf = (
  expected: Expected,
  current: number,
  events: readonly NewEvent[],
  idAt: (revision: number) => string | undefined,
): Verdict => {
  if (expected === 'any') return 'append';
  if (expected === 'exists') return current >= 0 ? 'append' : 'conflict';
  const revision = expected === 'none' ? -1 : expected.revision;
  if (revision === current) return 'append';
  const same = revision < current && events.every((event, index) => idAt(revision + 1 + index) === event.id);
  return same ? 'duplicate' : 'conflict';
};
