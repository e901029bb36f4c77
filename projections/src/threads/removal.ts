/** Emails that a mailbox holds in a thread no longer, some or all: every read model of what mailboxes hold forgets them in the order of the log. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { EmailsDestroyed, EmailsSplitOff, Remainder, ThreadUnshared } from '@tidings/contracts/events/thread';
import type { MailboxId, ThreadId } from '@tidings/contracts/ids';
import type { ProjectionTx } from '@tidings/contracts/projection';
import { reveal } from '@tidings/contracts/sealed';
import { count, emptyTally, type RemovedEmails, removeEmails, standing } from './fold.ts';
import { loadHeld, ownText, replaceHeld } from './held.ts';
import { forgetMarks, Marks } from './marks.ts';
import { keyOf, loadTallies, loadThreads, saveTallies, updateThreads } from './store.ts';

export const removalEvents = ['ThreadUnshared', 'EmailsDestroyed', 'EmailsSplitOff'] as const;

export interface Removal {
  readonly threadId: ThreadId;
  readonly mailboxId: MailboxId;
  /** Null: all of them, and with them whatever stood on the thread. */
  readonly some: RemovedEmails | null;
}

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

export interface UpToRemoval {
  readonly events: readonly Recorded[];
  /** Behind them; null at the end of the page. */
  readonly removal: Removal | null;
}

export type RemovalEvent = ThreadUnshared | EmailsDestroyed | EmailsSplitOff;
const types: ReadonlySet<string> = new Set(removalEvents);
export const isRemoval = (event: Recorded): event is Recorded<RemovalEvent> => types.has(event.type);

/** Behind each removal; a thread may be shared again, and others may come. */
export const upToRemoval = (page: readonly Recorded[]): readonly UpToRemoval[] =>
  cutBehind(page, isRemoval).map(({ events, cut }) => ({ events, removal: cut === null ? null : removalOf(cut) }));

export const removalOf = (event: RemovalEvent): Removal => {
  const { threadId, mailboxId } = event.data;
  if (event.type === 'ThreadUnshared' || event.data.left === 0) return { threadId, mailboxId, some: null };
  const { emailIds, bytes, remainder } = event.data;
  return { threadId, mailboxId, some: { emailIds, bytes, remainder: reveal(remainder, NOTHING_SAID) } };
};

const NOTHING_SAID: Remainder = { snippet: '', participants: [], hasAttachments: false };

/** From the thread view: emails, and what they counted for. */
export const removeFromThreads = async (removal: Removal, tx: ProjectionTx): Promise<void> => {
  const { threadId, mailboxId, some } = removal;
  const row = (await loadThreads([removal], tx)).get(keyOf(removal));
  if (row === undefined) return;
  const tallies = await loadTallies(new Set([mailboxId]), tx);
  const tally = tallies.get(mailboxId) ?? emptyTally();
  count(tally, standing(row), -1);
  if (some === null) {
    await forgetMarks(row, tx);
    for (const table of ['thread', 'held']) {
      await tx.query(`delete from ${tx.schema}.${table} where thread_id = $1 and mailbox_id = $2`, [threadId, mailboxId]);
    }
  } else {
    const held = (await loadHeld([removal], tx)).get(keyOf(removal)) ?? new Map();
    const marks = await Marks.of([row], tx);
    const left = removeEmails(row, held, some);
    count(tally, standing(row), 1);
    await updateThreads([row], () => ownText(left), tx);
    await replaceHeld(removal, left, tx);
    await marks.save(tx);
  }
  await saveTallies(new Map([[mailboxId, tally]]), tx);
};
