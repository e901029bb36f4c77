/** Threads as a caller sees them: what they are and what they bear from their own read model, labels and shares from this one. */
import type { Thread } from '@tidings/contracts/http/mail-objects';
import type { ThreadId } from '@tidings/contracts/ids';
import type { ReadModels } from '../chat-view/reading.ts';
import { openDeliveries } from '../deliveries/queries.ts';
import { draftsOn } from '../drafts/queries.ts';
import { holdersOf, type ListedThread, marksOn } from '../threads/queries.ts';
import { threadView } from '../threads/view.ts';
import { labelsAmong, sharesOf } from './queries.ts';

/** What `readThreads` reads, by projection name; for `settle` and `reads`. */
export const THREAD_READS = ['threads', 'thread-marks'] as const;

/** In the order given, by a few queries whatever their number. */
export const readThreads = async ({ read, liveSchema }: ReadModels, found: readonly ListedThread[]): Promise<readonly Thread[]> => {
  if (found.length === 0) return [];
  const ids = found.map(({ threadId }) => threadId);
  const mailboxes = [...new Set(found.map(({ mailboxId }) => mailboxId))];
  const [marked, held, shares, drafted, open] = await Promise.all([
    read.any(marksOn(liveSchema('threads'), ids, mailboxes)),
    read.any(holdersOf(liveSchema('threads'), ids)),
    read.any(sharesOf(liveSchema('thread-marks'), ids)),
    read.any(draftsOn(liveSchema('drafts'), ids, mailboxes)),
    read.any(openDeliveries(liveSchema('deliveries'), ids)),
  ]);
  const labelled = [...new Set(marked.flatMap(({ label }) => label ?? []))];
  // A label that is gone marks nothing, whatever comes later.
  const labels = labelled.length === 0 ? [] : (await read.any(labelsAmong(liveSchema('thread-marks'), labelled))).map(({ id }) => id);
  const answered = new Set(drafted.map(keyOf));
  const deliveries = new Map(open.map(({ threadId, delivery }) => [threadId, delivery]));
  const marks = Map.groupBy(marked, keyOf);
  const holders = Map.groupBy(held, ({ threadId }) => threadId);
  const roles = new Map(shares.map((share) => [keyOf(share), share.role]));
  const accessTo = (thread: ThreadId): Thread['access'] =>
    (holders.get(thread) ?? [])
      .map(({ mailboxId }) => ({ mailboxId, role: roles.get(keyOf({ threadId: thread, mailboxId })) ?? null }))
      .toSorted((a, b) => Number(a.role !== null) - Number(b.role !== null)) // its owners first
      .map(({ mailboxId, role }) => ({ mailboxId, role: role ?? 'editor' }));
  return found.map((row) => {
    const on = marks.get(keyOf(row)) ?? [];
    const borne = new Set(on.map(({ label }) => label));
    return threadView(row, {
      labels: labels.filter((label) => borne.has(label)),
      assignees: on.flatMap(({ assignee }) => assignee ?? []),
      hasDraft: answered.has(keyOf(row)),
      access: accessTo(row.threadId),
      delivery: deliveries.get(row.threadId) ?? null,
    });
  });
};

const keyOf = ({ threadId, mailboxId }: Pick<ListedThread, 'threadId' | 'mailboxId'>): string => threadId + mailboxId;
