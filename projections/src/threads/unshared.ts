/** A thread that a mailbox has no longer: every read model of what mailboxes hold forgets it in the order of the log. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { ThreadUnshared } from '@tidings/contracts/events/thread';
import type { ProjectionTx } from '@tidings/contracts/projection';
import { count, emptyTally, standing } from './fold.ts';
import { keyOf, loadTallies, loadThreads, saveTallies } from './store.ts';

export interface UpToUnshared {
  readonly events: readonly Recorded[];
  /** Behind them; null at the end of the page. */
  readonly unshared: ThreadUnshared['data'] | null;
}

/** Cuts a page behind each thread that is taken back: what came before is forgotten, what comes behind it (shared again) is not. */
export const upToUnshared = (page: readonly Recorded[]): readonly UpToUnshared[] => {
  const cuts: UpToUnshared[] = [];
  let from = 0;
  for (const [at, event] of page.entries()) {
    if (event.type !== 'ThreadUnshared') continue;
    cuts.push({ events: page.slice(from, at), unshared: event.data });
    from = at + 1;
  }
  return from === 0 ? [{ events: page, unshared: null }] : [...cuts, { events: page.slice(from), unshared: null }];
};

/** From the thread view: its row, its emails and what it counted for. */
export const forgetThread = async (unshared: ThreadUnshared['data'], tx: ProjectionTx): Promise<void> => {
  const { threadId, mailboxId } = unshared;
  const row = (await loadThreads([unshared], tx)).get(keyOf(unshared));
  if (row === undefined) return;
  const tallies = await loadTallies(new Set([mailboxId]), tx);
  const tally = tallies.get(mailboxId) ?? emptyTally();
  count(tally, standing(row), -1);
  await saveTallies(new Map([[mailboxId, tally]]), tx);
  for (const table of ['thread', 'held']) {
    await tx.query(`delete from ${tx.schema}.${table} where thread_id = $1 and mailbox_id = $2`, [threadId, mailboxId]);
  }
};
