/** What readers ask of marks. */
import { int, nullable, oneOf } from '@tidings/contracts/codec';
import type { View } from '@tidings/contracts/http/mail-objects';
import { LabelId, MailboxId, ThreadId, type UserId } from '@tidings/contracts/ids';
import { rows } from '@tidings/contracts/sql-rows';
import * as t from 'io-ts';
import { sql, type FragmentSqlToken } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';
import { type AmongThreads, conditionOf } from '../threads/queries.ts';

const LabelRow = t.readonly(t.type({ id: LabelId, name: t.string, color: t.string, description: nullable(t.string), auto: t.boolean }));
export type LabelRow = t.TypeOf<typeof LabelRow>;

const labelColumns = sql.fragment`label_id as id, name, color, description, auto`;

/** Index label_of_mailbox. */
export const labelsOf = (schema: string, mailbox: MailboxId) =>
  sql.type(
    rows(LabelRow),
  )`select ${labelColumns} from ${tableIn(schema, 'label')} where mailbox_id = ${mailbox} order by lower(name), name`;

/** The mailbox's label of this id. Primary key. */
export const labelById = (schema: string, mailbox: MailboxId, label: LabelId) =>
  sql.type(rows(LabelRow))`select ${labelColumns} from ${tableIn(schema, 'label')} where label_id = ${label} and mailbox_id = ${mailbox}`;

/** Threads that `user` takes care of, behind `after`. Index mark_by_what. */
export const assignedTo = (schema: string, user: UserId, after: ThreadId | null, limit: number) => sql.type(
  rows(t.readonly(t.type({ threadId: ThreadId }))),
)`select distinct thread_id as "threadId" from ${tableIn(schema, 'mark')}
  where marked = ${user} and kind = 'assignee' ${after === null ? sql.fragment`` : sql.fragment`and thread_id > ${after}`}
  order by thread_id limit ${limit}`;

/** Which mailbox a label is of. Primary key. */
export const mailboxOfLabel = (schema: string, label: LabelId) =>
  sql.type(
    rows(t.readonly(t.type({ mailboxId: MailboxId }))),
  )`select mailbox_id as "mailboxId" from ${tableIn(schema, 'label')} where label_id = ${label}`;

const MarkRow = t.readonly(t.type({ threadId: ThreadId, mailboxId: MailboxId, kind: oneOf('label', 'assignee'), marked: t.string }));

/** Of these threads in these mailboxes. A label that is gone marks nothing, whatever comes later. Primary key. */
export const marksOn = (schema: string, threads: readonly ThreadId[], mailboxes: readonly MailboxId[]) => sql.type(rows(MarkRow))`
  select m.thread_id as "threadId", m.mailbox_id as "mailboxId", m.kind, m.marked
  from ${tableIn(schema, 'mark')} m left join ${tableIn(schema, 'label')} l on l.label_id = m.marked
  where m.thread_id = any(${sql.array(threads, 'uuid')}) and m.mailbox_id = any(${sql.array(mailboxes, 'uuid')})
    and (m.kind <> 'label' or l.label_id is not null)
  order by m.kind, lower(l.name), m.marked`;

const AccessRow = t.readonly(t.type({ threadId: ThreadId, mailboxId: MailboxId, role: oneOf('viewer', 'editor') }));

/** The mailboxes that hold these threads, and what they may do there: its owners first. Primary keys. */
export const accessTo = (schema: string, threads: readonly ThreadId[]) => sql.type(rows(AccessRow))`
  select r.thread_id as "threadId", r.mailbox_id as "mailboxId", coalesce(s.role, 'editor') as role
  from ${tableIn(schema, 'ranked')} r left join ${tableIn(schema, 'share')} s using (thread_id, mailbox_id)
  where r.thread_id = any(${sql.array(threads, 'uuid')})
  order by r.thread_id, s.role is not null, r.mailbox_id`;

/** Threads of one mailbox that bear these marks, for `threadsInView`; null when none is asked for. Index mark_list. */
export const withMarks = (schema: string, mailbox: MailboxId, { label, assignee }: WantedMarks): AmongThreads | null => {
  const table = tableIn(schema, 'mark');
  const first = label ?? assignee;
  if (first === undefined) return null;
  const kind = label === undefined ? 'assignee' : 'label';
  const listed = sql.fragment`k.mailbox_id = ${mailbox} and k.kind = ${kind} and k.marked = ${first}::uuid`;
  if (label === undefined || assignee === undefined) return { table, where: listed };
  const both = sql.fragment`exists (
    select from ${table} m where m.thread_id = k.thread_id and m.mailbox_id = k.mailbox_id and m.kind = 'assignee' and m.marked = ${assignee}::uuid
  )`;
  return { table, where: sql.fragment`${listed} and ${both}` };
};

export interface WantedMarks {
  readonly label?: LabelId | undefined;
  readonly assignee?: UserId | undefined;
}

const LabelCount = t.readonly(t.type({ id: LabelId, threads: int(0), unread: int(0) }));

/** Threads of each label in view `all`, and how many of them are unread. As long as there are labelled threads in the mailbox. */
export const labelCounts = (schema: string, threads: string, mailbox: MailboxId, view: View = 'all') => sql.type(rows(LabelCount))`
  select l.label_id as id, count(t.thread_id)::int as threads, count(t.thread_id) filter (where t.unread_main > 0)::int as unread
  from ${tableIn(schema, 'label')} l
  left join ${tableIn(schema, 'mark')} m on m.mailbox_id = l.mailbox_id and m.kind = 'label' and m.marked = l.label_id
  left join ${tableIn(threads, 'thread')} t on ${joined} and ${conditionOf(view)}
  where l.mailbox_id = ${mailbox}
  group by l.label_id, l.name order by lower(l.name), l.name`;

const joined: FragmentSqlToken = sql.fragment`t.thread_id = m.thread_id and t.mailbox_id = m.mailbox_id`;
