/**
 * Labels on threads and who takes care of them, as far as lists and counts need it: a mark stands in the lists of its thread, so that those of a
 * label, of somebody, or of both are short walks like any other. Threads without marks cost nothing here.
 */
import type { Recorded } from '@tidings/contracts/events/index';
import type { ThreadAssigned, ThreadLabelled, ThreadShared, ThreadUnassigned } from '@tidings/contracts/events/thread';
import { views } from '@tidings/contracts/http/mail-objects';
import type { LabelId, MailboxId, UserId } from '@tidings/contracts/ids';
import type { ProjectionTx } from '@tidings/contracts/projection';
import { standing, type ThreadRow } from './fold.ts';
import { NONE } from './lists.ts';
import { type Key, keyOf, plainArray } from './store.ts';

/**
 * A row for each label, for each assignee and for each pair of them, so that a list of both is one too. `label_tally` counts the threads of view
 * `all` that bear a label.
 */
export const markTables = (schema: string): string => `
  create table ${schema}.mark (
    thread_id uuid not null,
    mailbox_id uuid not null,
    label uuid not null,
    assignee uuid not null,
    last_at timestamptz not null,
    last_position text collate "C" not null,
    standing text not null,
    primary key (thread_id, mailbox_id, label, assignee)
  );
  create index on ${schema}.mark (label);
  create index on ${schema}.mark (assignee, thread_id);
  create table ${schema}.label_tally (
    mailbox_id uuid not null,
    label uuid not null,
    threads bigint not null,
    unread bigint not null,
    primary key (mailbox_id, label)
  );`;

export type MarkEvent = ThreadLabelled | ThreadAssigned | ThreadUnassigned | ThreadShared;

export const isMarkEvent = (event: Recorded): event is Recorded<MarkEvent> =>
  event.type === 'ThreadLabelled' || event.type === 'ThreadAssigned' || event.type === 'ThreadUnassigned' || event.type === 'ThreadShared';

/** The threads that an event marks. */
export const markedBy = ({ type, data }: MarkEvent): readonly Key[] =>
  type === 'ThreadAssigned' || type === 'ThreadUnassigned'
    ? data.mailboxIds.map((mailboxId) => ({ threadId: data.threadId, mailboxId }))
    : [data];

interface Marked {
  readonly row: ThreadRow;
  readonly labels: Set<LabelId>;
  readonly assignees: Set<UserId>;
  /** As the tables have them. */
  readonly before: { readonly labels: ReadonlySet<LabelId>; readonly standing: string };
}

/** What a page does to the marks of its threads. */
export class Marks {
  readonly #marked: Map<string, Marked>;

  private constructor(marked: Map<string, Marked>) {
    this.#marked = marked;
  }

  /** @param rows those that were there before the page, as they were. Primary key of mark. */
  static async of(rows: Iterable<ThreadRow>, tx: ProjectionTx): Promise<Marks> {
    const marked = new Map<string, Marked>();
    for (const row of rows)
      if (row.marked) marked.set(keyOf(row), { ...unmarked(row), before: { labels: new Set(), standing: standing(row) } });
    if (marked.size === 0) return new Marks(marked);
    const found = await tx.query<Key & { readonly label: LabelId; readonly assignee: UserId }>(
      `select m.thread_id as "threadId", m.mailbox_id as "mailboxId", m.label, m.assignee
       from unnest($1::uuid[], $2::uuid[]) as k (thread_id, mailbox_id) join ${tx.schema}.mark m using (thread_id, mailbox_id)
       where m.label = $3 or m.assignee = $3`,
      [...keyColumns([...marked.values()].map(({ row }) => row)), NONE],
    );
    for (const { label, assignee, ...key } of found) {
      const one = marked.get(keyOf(key));
      if (label === NONE) one?.assignees.add(assignee);
      else one?.labels.add(label);
    }
    for (const [key, one] of marked) marked.set(key, { ...one, before: { ...one.before, labels: new Set(one.labels) } });
    return new Marks(marked);
  }

  /** What a mailbox does not hold it cannot mark. */
  take({ type, data }: Recorded<MarkEvent>, rows: ReadonlyMap<string, ThreadRow>): void {
    for (const key of markedBy({ type, data } as MarkEvent)) {
      const row = rows.get(keyOf(key));
      if (row === undefined) continue;
      const one = this.#of(row);
      if (type === 'ThreadLabelled') set(one.labels, data.labelId, data.labelled);
      else if (type === 'ThreadShared') for (const user of data.assignees) one.assignees.add(user);
      else set(one.assignees, data.userId, type === 'ThreadAssigned');
      row.marked ||= one.labels.size + one.assignees.size > 0;
    }
  }

  /** Labels that came along with an email. */
  label(row: ThreadRow, labels: readonly LabelId[]): void {
    if (labels.length === 0) return;
    const one = this.#of(row);
    for (const label of labels) one.labels.add(label);
    row.marked = true;
  }

  #of(row: ThreadRow): Marked {
    const known = this.#marked.get(keyOf(row));
    if (known !== undefined) return known;
    const one = unmarked(row);
    this.#marked.set(keyOf(row), one);
    return one;
  }

  /** All of them are gone. */
  async clear(tx: ProjectionTx): Promise<void> {
    for (const { labels, assignees } of this.#marked.values()) {
      labels.clear();
      assignees.clear();
    }
    await this.save(tx);
  }

  /** Behind all else of the page: marks stand where it left their threads. */
  async save(tx: ProjectionTx): Promise<void> {
    const all = [...this.#marked.values()];
    if (all.length === 0) return;
    await saveRows(all, tx);
    await recountLabels(all, tx);
  }
}

const unmarked = (row: ThreadRow): Marked => ({
  row,
  labels: new Set(),
  assignees: new Set(),
  before: { labels: new Set(), standing: '' },
});

const set = <A>(all: Set<A>, one: A, present: boolean): void => {
  if (present) all.add(one);
  else all.delete(one);
};

const keyColumns = (keys: readonly Key[]): readonly string[] => [
  plainArray(keys, (key) => key.threadId),
  plainArray(keys, (key) => key.mailboxId),
];

const saveRows = async (all: readonly Marked[], tx: ProjectionTx): Promise<void> => {
  const rows = all.flatMap(({ row, labels, assignees }) =>
    [NONE, ...labels].flatMap((label) =>
      [NONE, ...assignees].flatMap((assignee) => (label === NONE && assignee === NONE ? [] : [{ row, label, assignee }])),
    ),
  );
  const columns = [
    plainArray(rows, ({ row }) => row.threadId),
    plainArray(rows, ({ row }) => row.mailboxId),
    plainArray(rows, ({ label }) => label),
    plainArray(rows, ({ assignee }) => assignee),
  ];
  await tx.query(
    `delete from ${tx.schema}.mark m using unnest($1::uuid[], $2::uuid[]) as k (thread_id, mailbox_id)
     where m.thread_id = k.thread_id and m.mailbox_id = k.mailbox_id and (m.thread_id, m.mailbox_id, m.label, m.assignee) not in (
       select * from unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[]))`,
    [...keyColumns(all.map(({ row }) => row)), ...columns],
  );
  await tx.query(
    `insert into ${tx.schema}.mark (thread_id, mailbox_id, label, assignee, last_at, last_position, standing)
     select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::text[], $7::text[])
     on conflict (thread_id, mailbox_id, label, assignee) do update set
       last_at = excluded.last_at, last_position = excluded.last_position, standing = excluded.standing`,
    [
      ...columns,
      plainArray(rows, ({ row }) => row.lastAt),
      plainArray(rows, ({ row }) => row.lastPosition),
      plainArray(rows, ({ row }) => standing(row)),
    ],
  );
};

interface LabelChange {
  readonly mailboxId: MailboxId;
  readonly label: LabelId;
  threads: number;
  unread: number;
}

/** Counts with their labels what is marked and where that stands; without them what was. */
const recountLabels = async (all: readonly Marked[], tx: ProjectionTx): Promise<void> => {
  const changes = new Map<string, LabelChange>();
  const count = ({ mailboxId }: ThreadRow, labels: ReadonlySet<LabelId>, stands: string, by: 1 | -1): void => {
    const letter = stands[ALL] ?? '-';
    if (letter === '-') return;
    for (const label of labels) {
      const change = changes.get(mailboxId + label) ?? { mailboxId, label, threads: 0, unread: 0 };
      changes.set(mailboxId + label, change);
      change.threads += by;
      if (letter === 'u') change.unread += by;
    }
  };
  for (const { row, labels, before } of all) {
    count(row, before.labels, before.standing, -1);
    count(row, labels, standing(row), 1);
  }
  await addToTallies(
    [...changes.values()].filter(({ threads, unread }) => threads !== 0 || unread !== 0),
    tx,
  );
};
const ALL = views.indexOf('all');

/** A label of no thread has no row, so that it is the same however the log is cut. Primary key. */
const addToTallies = async (changes: readonly LabelChange[], tx: ProjectionTx): Promise<void> => {
  if (changes.length === 0) return;
  await tx.query(
    `insert into ${tx.schema}.label_tally as l (mailbox_id, label, threads, unread)
     select * from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[])
     on conflict (mailbox_id, label) do update set threads = l.threads + excluded.threads, unread = l.unread + excluded.unread`,
    [
      plainArray(changes, ({ mailboxId }) => mailboxId),
      plainArray(changes, ({ label }) => label),
      plainArray(changes, ({ threads }) => threads),
      plainArray(changes, ({ unread }) => unread),
    ],
  );
  await tx.query(
    `delete from ${tx.schema}.label_tally where threads = 0 and (mailbox_id, label) in (select * from unnest($1::uuid[], $2::uuid[]))`,
    [plainArray(changes, ({ mailboxId }) => mailboxId), plainArray(changes, ({ label }) => label)],
  );
};

/** A mailbox has it no longer: what bore it there bears it no more. */
export const forgetLabel = async (
  { mailboxId, labelId }: { readonly mailboxId: MailboxId; readonly labelId: LabelId },
  tx: ProjectionTx,
): Promise<void> => {
  await tx.query(`delete from ${tx.schema}.mark where label = $1 and mailbox_id = $2`, [labelId, mailboxId]);
  await tx.query(`delete from ${tx.schema}.label_tally where label = $1 and mailbox_id = $2`, [labelId, mailboxId]);
};

/** Somebody takes care of nothing any more. Index mark (assignee, thread_id). */
export const forgetAssignee = async (user: UserId, tx: ProjectionTx): Promise<void> => {
  await tx.query(`delete from ${tx.schema}.mark where assignee = $1`, [user]);
};

/** Before its row is gone. */
export const forgetMarks = async (row: ThreadRow, tx: ProjectionTx): Promise<void> => {
  if (!row.marked) return;
  const marks = await Marks.of([row], tx);
  await marks.clear(tx);
};
