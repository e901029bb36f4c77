/**
 * The thread view: one row per thread and mailbox, folded from its emails and from what the mailbox did with them. Pages are folded in
 * memory; its threads are read before, and their emails only when some are read or moved.
 */
import type { Recorded } from '@tidings/contracts/events/index';
import type { LabelDeleted } from '@tidings/contracts/events/label';
import type { EmailFiled, EmailKeywordsSet, EmailsMoved, ThreadRead, ThreadStarred } from '@tidings/contracts/events/thread';
import type { SubjectErased } from '@tidings/contracts/events/user';
import type { Projection, ProjectionTx } from '@tidings/contracts/projection';
import { count, emptyTally, type Held, fileEmail, markEmail, moveEmails, OWN, readThread, standing, type ThreadRow } from './fold.ts';
import { appendHeld, loadHeld, ownTextAfter, rewriteHeld, type Filed } from './held.ts';
import { listIndexes, markLists, threadLists } from './lists.ts';
import { forgetAssignee, forgetLabel, isMarkEvent, type MarkEvent, markedBy, Marks, markTables } from './marks.ts';
import { cutBehind, isRemoval, removalEvents, type RemovalEvent, removalOf, removeFromThreads } from './removal.ts';
import { insertThreads, keyOf, loadTallies, loadThreads, saveTallies, updateThreads, type Key } from './store.ts';

export * from './queries.ts';
export * from './view.ts';

/**
 * `emails` and `held` are there for `apply` and for walks through lists (`queries.ts`); the emails themselves are another read model's. `held.ts`
 * describes them: a thread's first ones are in its row, the others in `held`.
 */
const tables = (schema: string): string => `
  create table ${schema}.thread (
    thread_id uuid not null,
    mailbox_id uuid not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    in_inbox integer not null,
    in_archive integer not null,
    in_sent integer not null,
    in_drafts integer not null,
    in_spam integer not null,
    in_trash integer not null,
    unread_main integer not null,
    unread_spam integer not null,
    unread_trash integer not null,
    starred boolean not null,
    has_attachments boolean not null,
    marked boolean not null,
    last_position text collate "C" not null,
    read_up_to text collate "C" not null,
    subject text not null,
    snippet text not null,
    participants json not null,
    ended_at timestamptz,
    emails text collate "C" not null,
    primary key (thread_id, mailbox_id)
  );
  create table ${schema}.held (
    thread_id uuid not null,
    mailbox_id uuid not null,
    chunk integer not null,
    emails text collate "C" not null,
    primary key (thread_id, mailbox_id, chunk)
  );
  create table ${schema}.tally (
    mailbox_id uuid primary key,
    threads bigint[] not null,
    unread bigint[] not null
  );
  ${markTables(schema)}`;

const indexes = (schema: string): string =>
  listIndexes(`${schema}.thread`, 'mailbox_id', threadLists) + listIndexes(`${schema}.mark`, 'mailbox_id, label, assignee', markLists);

const apply = async (page: readonly Recorded[], tx: ProjectionTx): Promise<void> => {
  for (const { events, cut } of cutBehind(page, isForgetting)) {
    await applyThreads(events.filter(isThreadEvent), tx);
    if (cut !== null) await forget(cut, tx);
  }
  // Nothing is filed there any more. Rare enough to look through all threads.
  const closed = page.flatMap((event) => (event.type === 'MailboxClosed' ? [event.data.mailboxId] : []));
  if (closed.length === 0) return;
  for (const table of ['thread', 'held', 'tally', 'mark', 'label_tally'])
    await tx.query(`delete from ${tx.schema}.${table} where mailbox_id = any($1::uuid[])`, [closed]);
};

/** Rare enough to cut a page: what came before is forgotten, what comes behind is not. */
type Forgetting = RemovalEvent | LabelDeleted | SubjectErased;

const isForgetting = (event: Recorded): event is Recorded<Forgetting> =>
  isRemoval(event) || event.type === 'LabelDeleted' || event.type === 'SubjectErased';

const forget = async (event: Recorded<Forgetting>, tx: ProjectionTx): Promise<void> => {
  if (isRemoval(event)) await removeFromThreads(removalOf(event), tx);
  else if (event.type === 'LabelDeleted') await forgetLabel(event.data, tx);
  else await forgetAssignee(event.data.userId, tx);
};

const applyThreads = async (events: readonly Recorded<ThreadEvent>[], tx: ProjectionTx): Promise<void> => {
  if (events.length === 0) return;
  // Made once: at full speed of a replay, joining strings is a good part of the work.
  const keys = events.map((event) => (isMarkEvent(event) ? '' : keyOf(event.data)));
  const { touched, opened } = keysOf(events, keys);
  const threads = await loadThreads(touched, tx);
  const marks = await Marks.of(threads.values(), tx);
  const held = await loadHeld(opened, tx);
  const before = new Map<string, string>();
  for (const [key, row] of threads) before.set(key, standing(row));

  const filed = new Map<ThreadRow, Filed[]>();
  const moved = new Map<ThreadRow, Set<number>>();
  for (const [at, event] of events.entries()) {
    if (isMarkEvent(event)) marks.take(event, threads);
    else applyOne(event, keys[at] ?? '', { threads, held, filed, moved, marks });
  }

  const rows = [...threads];
  const text = (row: ThreadRow): string =>
    ownTextAfter(filed.get(row), moved.get(row)?.has(OWN) === true ? held.get(keyOf(row)) : undefined);
  await insertThreads(
    rows.flatMap(([key, row]) => (before.has(key) ? [] : row)),
    text,
    tx,
  );
  await updateThreads(
    rows.flatMap(([key, row]) => (before.has(key) ? row : [])),
    text,
    tx,
  );
  await appendHeld([...filed.values()].flat(), tx);
  await rewriteHeld(
    [...moved].map(([row, chunks]) => ({ key: row, held: held.get(keyOf(row)), chunks })),
    tx,
  );
  await recount(threads, before, tx);
  await marks.save(tx);
};

export const threads: Projection = {
  name: 'threads',
  version: 5,
  handles: [
    ...(['EmailFiled', 'ThreadRead', 'EmailsMoved', 'ThreadStarred', 'EmailKeywordsSet'] as const),
    ...(['ThreadLabelled', 'ThreadAssigned', 'ThreadUnassigned', 'ThreadShared'] as const),
    ...removalEvents,
    ...(['LabelDeleted', 'SubjectErased', 'MailboxClosed'] as const),
  ],
  tables,
  indexes,
  apply,
};

/** Of the events of a thread those that change its row. */
type RowEvent = EmailFiled | ThreadRead | EmailsMoved | ThreadStarred | EmailKeywordsSet;
type ThreadEvent = RowEvent | MarkEvent;

const isThreadEvent = (event: Recorded): event is Recorded<ThreadEvent> =>
  event.type !== 'MailboxClosed' && !isForgetting(event) && threads.handles.includes(event.type);

interface Page {
  readonly threads: Map<string, ThreadRow>;
  /** Of the threads in which something is read or moved. */
  readonly held: ReadonlyMap<string, Held>;
  /** A chunk each, in their order. By the thread itself: a key of two ids and a number would be joined and hashed for each email. */
  readonly filed: Map<ThreadRow, Filed[]>;
  /** Chunks with emails that are not as they were, by thread. */
  readonly moved: Map<ThreadRow, Set<number>>;
  readonly marks: Marks;
}

const applyOne = (event: Recorded<RowEvent>, key: string, { threads: rows, held, filed, moved, marks }: Page): void => {
  const row = rows.get(key);
  if (event.type === 'EmailFiled') {
    const { row: after, email, opensChunk } = fileEmail(row, event);
    if (row === undefined) rows.set(key, after);
    marks.label(after, event.data.imported?.labels ?? []);
    held.get(key)?.set(email.emailId, email);
    const ofThread = filed.get(after);
    const last = ofThread?.at(-1);
    if (last?.chunk === email.chunk) last.emails.push(email);
    else {
      const opened = { key: after, chunk: email.chunk, isNew: opensChunk, emails: [email] };
      if (ofThread === undefined) filed.set(after, [opened]);
      else ofThread.push(opened);
    }
    return;
  }
  if (row === undefined) return; // nothing of it was ever filed here: there is nothing to read, star or move
  const emails: Held = held.get(key) ?? new Map();
  switch (event.type) {
    case 'ThreadRead':
      for (const { chunk } of readThread(row, emails, event)) moved.set(row, (moved.get(row) ?? new Set()).add(chunk));
      break;
    case 'EmailsMoved':
      for (const { chunk } of moveEmails(row, emails, event)) moved.set(row, (moved.get(row) ?? new Set()).add(chunk));
      break;
    case 'EmailKeywordsSet':
      for (const { chunk } of markEmail(row, emails, event)) moved.set(row, (moved.get(row) ?? new Set()).add(chunk));
      break;
    case 'ThreadStarred':
      row.starred = event.data.starred;
  }
};

/** `touched`: all threads of the page, for what is not found is inserted without a second look; `opened`: those whose single emails matter. */
const keysOf = (
  events: readonly Recorded<ThreadEvent>[],
  keys: readonly string[],
): { readonly touched: readonly Key[]; readonly opened: readonly Key[] } => {
  const touched = new Map<string, Key>();
  const opened = new Map<string, Key>();
  for (const [at, event] of events.entries()) {
    if (isMarkEvent(event)) {
      for (const marked of markedBy(event)) touched.set(keyOf(marked), marked);
      continue;
    }
    const { type, data } = event;
    const key = keys[at] ?? '';
    touched.set(key, data);
    if (type === 'ThreadRead' || type === 'EmailsMoved' || type === 'EmailKeywordsSet') opened.set(key, data);
  }
  return { touched: [...touched.values()], opened: [...opened.values()] };
};

const recount = async (rows: ReadonlyMap<string, ThreadRow>, before: ReadonlyMap<string, string>, tx: ProjectionTx): Promise<void> => {
  const changed = [...rows].flatMap(([key, row]) => {
    const was = before.get(key) ?? '';
    const is = standing(row);
    return was === is ? [] : [{ mailboxId: row.mailboxId, was, is }];
  });
  if (changed.length === 0) return;
  const tallies = await loadTallies(new Set(changed.map(({ mailboxId }) => mailboxId)), tx);
  for (const { mailboxId, was, is } of changed) {
    const tally = tallies.get(mailboxId) ?? emptyTally();
    tallies.set(mailboxId, tally);
    count(tally, was, -1);
    count(tally, is, 1);
  }
  await saveTallies(tallies, tx);
};
