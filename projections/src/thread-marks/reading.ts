/** Threads as a caller sees them: what they are from their own read model, what stands on them from this one. */
import type { Thread } from '@tidings/contracts/http/mail-objects';
import type { UserId } from '@tidings/contracts/ids';
import type { ReadModels } from '../chat-view/reading.ts';
import type { ListedThread } from '../threads/queries.ts';
import { threadView } from '../threads/view.ts';
import { accessTo, marksOn } from './queries.ts';
import type { MarkKind } from './store.ts';

/** What `readThreads` reads, by projection name; for `settle` and `reads`. */
export const THREAD_READS = ['threads', 'thread-marks'] as const;

/**
 * In the order given, by two queries whatever their number.
 */
export const readThreads = async ({ read, liveSchema }: ReadModels, found: readonly ListedThread[]): Promise<readonly Thread[]> => {
  if (found.length === 0) return [];
  const ids = found.map(({ threadId }) => threadId);
  const mailboxes = [...new Set(found.map(({ mailboxId }) => mailboxId))];
  const schema = liveSchema('thread-marks');
  const [marked, access] = await Promise.all([read.any(marksOn(schema, ids, mailboxes)), read.any(accessTo(schema, ids))]);
  const marks = Map.groupBy(marked, keyOf);
  const holders = Map.groupBy(access, ({ threadId }) => threadId);
  return found.map((row) => {
    const on = marks.get(keyOf(row)) ?? [];
    const of = (wanted: MarkKind): readonly string[] => on.filter(({ kind }) => kind === wanted).map(({ marked }) => marked);
    // Marks of this kind are of users.
    return threadView(row, {
      labels: of('label'),
      assignees: of('assignee') as readonly UserId[],
      access: holders.get(row.threadId) ?? [],
    });
  });
};

const keyOf = ({ threadId, mailboxId }: Pick<ListedThread, 'threadId' | 'mailboxId'>): string => threadId + mailboxId;
