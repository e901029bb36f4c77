/** Threads as a caller sees them: what they are from their own read model, what stands on them from this one. */
import type { Thread } from '@tidings/contracts/http/mail-objects';
import type { MailboxId, UserId } from '@tidings/contracts/ids';
import type { ReadModels } from '../chat-view/reading.ts';
import type { ListedThread } from '../threads/queries.ts';
import { threadView } from '../threads/view.ts';
import { marksOn } from './queries.ts';
import type { MarkKind } from './store.ts';

/** What `readThreads` reads, by projection name; for `settle` and `reads`. */
export const THREAD_READS = ['threads', 'thread-marks'] as const;

/**
 * In the order given, by two queries whatever their number.
 * @param through the mailboxes the caller reaches the threads through; each its own unless said
 */
export const readThreads = async (
  { read, liveSchema }: ReadModels,
  found: readonly ListedThread[],
  through?: readonly MailboxId[],
): Promise<readonly Thread[]> => {
  if (found.length === 0) return [];
  const ids = found.map(({ threadId }) => threadId);
  const mailboxes = [...new Set(found.map(({ mailboxId }) => mailboxId))];
  const marks = Map.groupBy(await read.any(marksOn(liveSchema('thread-marks'), ids, mailboxes)), keyOf);
  return found.map((row) => {
    const on = marks.get(keyOf(row)) ?? [];
    const of = (wanted: MarkKind): readonly string[] => on.filter(({ kind }) => kind === wanted).map(({ marked }) => marked);
    // Marks of this kind are of users.
    return threadView(row, { labels: of('label'), assignees: of('assignee') as readonly UserId[], through });
  });
};

const keyOf = ({ threadId, mailboxId }: Pick<ListedThread, 'threadId' | 'mailboxId'>): string => threadId + mailboxId;
