/** A thread that a mailbox has no longer: every read model of what mailboxes hold forgets it in the order of the log. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { ThreadUnshared } from '@tidings/contracts/events/thread';
import type { ProjectionTx } from '@tidings/contracts/projection';
import { count, emptyTally, standing } from './fold.ts';
import { forgetMarks } from './marks.ts';
import { keyOf, loadTallies, loadThreads, saveTallies } from './store.ts';

export interface UpTo<Cut> {
  readonly events: readonly Recorded[];
  /** Behind them; null at the end of the page. */
  readonly cut: Cut | null;
}

/** Cuts a page behind each event that takes something back: what came before is forgotten, what comes behind it is not. */
export const cutBehind = <Cut extends Recorded>(
  page: readonly Recorded[],
  isCut: (event: Recorded) => event is Cut,
): readonly UpTo<Cut>[] => {
  const cuts: UpTo<Cut>[] = [];
  let from = 0;
  for (const [at, event] of page.entries()) {
    if (!isCut(event)) continue;
    cuts.push({ events: page.slice(from, at), cut: event });
    from = at + 1;
  }
  return from === 0 ? [{ events: page, cut: null }] : [...cuts, { events: page.slice(from), cut: null }];
};

export interface UpToUnshared {
  readonly events: readonly Recorded[];
  /** Behind them; null at the end of the page. */
  readonly unshared: ThreadUnshared['data'] | null;
}

/** Behind each thread that is taken back; it may be shared again. */
export const upToUnshared = (page: readonly Recorded[]): readonly UpToUnshared[] =>
  cutBehind(page, (event) => event.type === 'ThreadUnshared').map(({ events, cut }) => ({ events, unshared: cut?.data ?? null }));

/** From the thread view: its row, its emails and what it counted for. */
export const forgetThread = async (unshared: ThreadUnshared['data'], tx: ProjectionTx): Promise<void> => {
  const { threadId, mailboxId } = unshared;
  const row = (await loadThreads([unshared], tx)).get(keyOf(unshared));
  if (row === undefined) return;
  const tallies = await loadTallies(new Set([mailboxId]), tx);
  const tally = tallies.get(mailboxId) ?? emptyTally();
  count(tally, standing(row), -1);
  await saveTallies(new Map([[mailboxId, tally]]), tx);
  await forgetMarks(row, tx);
  for (const table of ['thread', 'held']) {
    await tx.query(`delete from ${tx.schema}.${table} where thread_id = $1 and mailbox_id = $2`, [threadId, mailboxId]);
  }
};
