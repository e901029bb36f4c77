/** What readers ask of threads. Lists are walks along the index of their view (`index.ts`), as long as the page and no longer. */
import { int, nullable } from '@tidings/contracts/codec';
import { MailAddress, type View, views } from '@tidings/contracts/http/mail-objects';
import { LabelId, MailboxId, ThreadId, UserId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import { rows } from '@tidings/contracts/sql-rows';
import { Timestamp } from '@tidings/contracts/time';
import * as t from 'io-ts';
import { sql, type FragmentSqlToken } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';
import { threadsWithDraft } from '../drafts/queries.ts';
import { type List, markLists, NONE, threadLists } from './lists.ts';

/** Positions in our own tables were checked when they were written. */
const PositionText = t.string as unknown as t.Type<Position, string>;

const ListedThread = t.readonly(
  t.type({
    threadId: ThreadId,
    mailboxId: MailboxId,
    subject: t.string,
    snippet: t.string,
    participants: t.readonlyArray(MailAddress),
    firstAt: Timestamp,
    /** Of the last email that is there. */
    lastAt: Timestamp,
    inInbox: int(0),
    inArchive: int(0),
    inSent: int(0),
    inDrafts: int(0),
    inSpam: int(0),
    inTrash: int(0),
    unreadMain: int(0),
    unreadSpam: int(0),
    unreadTrash: int(0),
    starred: t.boolean,
    hasAttachments: t.boolean,
    /** What the list is ordered by, for the next page's cursor; in a walk, as it was when the walk began. */
    keyAt: Timestamp,
    keyPosition: PositionText,
  }),
);
export type ListedThread = t.TypeOf<typeof ListedThread>;

const columns = sql.fragment`t.thread_id as "threadId", t.mailbox_id as "mailboxId", t.subject, t.snippet, t.participants,
  t.first_at as "firstAt", coalesce(t.ended_at, t.last_at) as "lastAt", t.in_inbox as "inInbox", t.in_archive as "inArchive", t.in_sent as "inSent",
  t.in_drafts as "inDrafts", t.in_spam as "inSpam", t.in_trash as "inTrash", t.unread_main as "unreadMain", t.unread_spam as "unreadSpam",
  t.unread_trash as "unreadTrash", t.starred, t.has_attachments as "hasAttachments"`;

/** A place in a list: time, then position among those of one instant. */
export interface ListKey {
  readonly at: Timestamp;
  readonly position: Position;
}

/** A walk through a list, page by page, of the list as it was ordered when the walk began. */
export interface Walk {
  /** The first thread of the first page. */
  readonly began: ListKey;
  /** The last thread of the page before. */
  readonly after: ListKey;
}

export interface ThreadPage {
  readonly mailbox: MailboxId;
  readonly view: View;
  /** True: only those with something unread; false: only those without. */
  readonly unread: boolean | null;
  /** Only those that bear it. */
  readonly label?: LabelId | undefined;
  /** Only those that they take care of. */
  readonly assignee?: UserId | undefined;
  /** Null for the first page. */
  readonly walk: Walk | null;
  readonly limit: number;
  /** Where the drafts are that their view shows beside emails that lie there. */
  readonly drafts?: string | undefined;
}

/**
 * Newest first. A thread that got an email since the walk began has gone up in the list, out of its sight; it is shown where it stood then, which
 * its emails tell. So a walk meets each thread that was in the list, once, whatever arrives meanwhile.
 *
 * The read and the unread threads of a view are two stretches of its index, so a page is at most two short walks, whatever is asked for.
 */
export const threadsInView = (schema: string, page: ThreadPage) => sql.type(rows(ListedThread))`
  select ${columns}, listed.last_at as "keyAt", listed.last_position as "keyPosition"
  from (${page.walk === null ? listed(schema, page, null) : sql.fragment`(${listed(schema, page, page.walk)}) union all (${risen(schema, page, page.walk)})`}
    order by last_at desc, last_position desc limit ${page.limit}) listed
  join ${tableIn(schema, 'thread')} t using (thread_id, mailbox_id)
  order by listed.last_at desc, listed.last_position desc`;

const placed = sql.fragment`k.thread_id, k.mailbox_id, k.last_at, k.last_position`;

/** As they stand now, behind the page before. Indexes of the view. */
const listed = (schema: string, page: ThreadPage, walk: Walk | null): FragmentSqlToken => sql.fragment`
  select ${placed} from unnest(${stretches(page)}) as stretch (unread) cross join lateral (
    select ${placed} from ${chosen(schema, page)}
    ${walk === null ? sql.fragment`` : sql.fragment`and (k.last_at, k.last_position) < ${keyOf(walk.after)}`}
    order by k.last_at desc, k.last_position desc limit ${page.limit}
  ) k`;

/** Those that got an email since the walk began, where they stood then: as many as these are. Indexes of the view, primary keys of thread and held. */
const risen = (schema: string, page: ThreadPage, { began, after }: Walk): FragmentSqlToken => sql.fragment`
  select k.thread_id, k.mailbox_id, stood.last_at, stood.last_position
  from unnest(${stretches(page)}) as stretch (unread)
  cross join lateral (select ${placed} from ${chosen(schema, page)} and (k.last_at, k.last_position) > ${keyOf(began)} offset 0) k
  cross join lateral (
    select split_part(e, '|', 2)::timestamptz as last_at, split_part(e, '|', 3) collate "C" as last_position
    from (
      select own.emails from ${tableIn(schema, 'thread')} own where own.thread_id = k.thread_id and own.mailbox_id = k.mailbox_id
      union all
      select h.emails from ${tableIn(schema, 'held')} h where h.thread_id = k.thread_id and h.mailbox_id = k.mailbox_id
    ) chunk cross join lateral string_to_table(chunk.emails, ';') as filed (e)
    where e like '1|%'
      and (split_part(e, '|', 2)::timestamptz, split_part(e, '|', 3) collate "C") <= ${keyOf(began)}
    order by last_at desc, last_position desc limit 1
  ) stood
  where (stood.last_at, stood.last_position) < ${keyOf(after)}`;

const keyOf = ({ at, position }: ListKey): FragmentSqlToken => sql.fragment`(${at}::timestamptz, ${position})`;

const stretches = ({ unread }: ThreadPage): FragmentSqlToken =>
  sql.fragment`${sql.array(unread === null ? [true, false] : [unread], 'bool')}`;

/** Threads of a view, those of the `stretch`; where marks are asked for, the marks themselves, which stand in lists as their threads do. */
const chosen = (schema: string, page: ThreadPage): FragmentSqlToken => {
  const { mailbox, label, assignee } = page;
  if (label === undefined && assignee === undefined) {
    const { shown, unread } = listOf(schema, page, threadLists);
    return sql.fragment`${tableIn(schema, 'thread')} k
      where k.mailbox_id = ${mailbox} and ${shown} and (${unread}) = stretch.unread`;
  }
  const { shown, unread } = listOf(schema, page, markLists);
  return sql.fragment`${tableIn(schema, 'mark')} k
    where k.mailbox_id = ${mailbox} and k.label = ${label ?? NONE}::uuid and k.assignee = ${assignee ?? NONE}::uuid
      and ${shown} and (${unread}) = stretch.unread`;
};

/** Drafts are another read model's, and few: their view is a list of their threads. */
const listOf = (schema: string, { mailbox, view, drafts }: ThreadPage, lists: typeof threadLists): List => {
  if (view !== 'drafts' || drafts === undefined) return lists[view];
  const shown = sql.fragment`k.thread_id in (
    ${threadsWithDraft(drafts, mailbox)} union all select thread_id from ${tableIn(schema, 'thread')} where mailbox_id = ${mailbox} and in_drafts > 0
  )`;
  return { shown, unread: lists.all.unread };
};

/** A thread in these mailboxes. Primary key (thread_id, mailbox_id). */
export const threadIn = (schema: string, thread: ThreadId, mailboxes: readonly MailboxId[]) => threadsIn(schema, [thread], mailboxes);

/** Threads in these mailboxes. Primary key (thread_id, mailbox_id). */
export const threadsIn = (schema: string, threads: readonly ThreadId[], mailboxes: readonly MailboxId[]) => sql.type(rows(ListedThread))`
  select ${columns}, t.last_at as "keyAt", t.last_position as "keyPosition"
  from ${tableIn(schema, 'thread')} t
  where t.thread_id = any(${sql.array(threads, 'uuid')}) and t.mailbox_id = any(${sql.array(mailboxes, 'uuid')})
  order by t.thread_id, t.mailbox_id`;

const MarkRow = t.readonly(t.type({ threadId: ThreadId, mailboxId: MailboxId, label: nullable(LabelId), assignee: nullable(UserId) }));

/** The labels and assignees of these threads in these mailboxes, one in each row. Primary key. */
export const marksOn = (schema: string, threads: readonly ThreadId[], mailboxes: readonly MailboxId[]) => sql.type(rows(MarkRow))`
  select thread_id as "threadId", mailbox_id as "mailboxId", nullif(label, ${NONE}) as label, nullif(assignee, ${NONE}) as assignee
  from ${tableIn(schema, 'mark')}
  where thread_id = any(${sql.array(threads, 'uuid')}) and mailbox_id = any(${sql.array(mailboxes, 'uuid')})
    and (label = ${NONE} or assignee = ${NONE})
  order by thread_id, mailbox_id, label, assignee`;

/** Threads that `user` takes care of, behind `after`. Index mark (assignee, thread_id). */
export const assignedTo = (schema: string, user: UserId, after: ThreadId | null, limit: number) => sql.type(
  rows(t.readonly(t.type({ threadId: ThreadId }))),
)`select distinct thread_id as "threadId" from ${tableIn(schema, 'mark')}
  where assignee = ${user} ${after === null ? sql.fragment`` : sql.fragment`and thread_id > ${after}`}
  order by thread_id limit ${limit}`;

const HolderRow = t.readonly(t.type({ threadId: ThreadId, mailboxId: MailboxId }));

/** The mailboxes that hold these threads. Primary key. */
export const holdersOf = (schema: string, threads: readonly ThreadId[]) => sql.type(rows(HolderRow))`
  select thread_id as "threadId", mailbox_id as "mailboxId" from ${tableIn(schema, 'thread')}
  where thread_id = any(${sql.array(threads, 'uuid')}) order by thread_id, mailbox_id`;

const LabelTally = t.readonly(t.type({ id: LabelId, threads: int(0), unread: int(0) }));

/** Threads of each label in view `all`, and how many of them are unread; labels of none have no row. Primary key. */
export const labelCountsOf = (schema: string, mailbox: MailboxId) =>
  sql.type(rows(LabelTally))`select label as id, threads, unread from ${tableIn(schema, 'label_tally')} where mailbox_id = ${mailbox}`;

const TallyRow = t.readonly(t.type({ mailboxId: MailboxId, threads: t.readonlyArray(int(0)), unread: t.readonlyArray(int(0)) }));

export type ViewTallies = Readonly<Record<View, { readonly threads: number; readonly unread: number }>>;

/** Per view; mailboxes that never held a thread have no row. */
export const countsOf = (schema: string, mailboxes: readonly MailboxId[]) =>
  sql.type(
    rows(CountsRow),
  )`select mailbox_id as "mailboxId", threads, unread from ${tableIn(schema, 'tally')} where mailbox_id = any(${sql.array(mailboxes, 'uuid')})`;

export const viewTallies = (threads: readonly number[] = [], unread: readonly number[] = []): ViewTallies =>
  Object.fromEntries(views.map((view, at) => [view, { threads: threads[at] ?? 0, unread: unread[at] ?? 0 }])) as ViewTallies; // every view is in `views`

/** Columns are arrays in the order of `views`; readers get them by name. */
const CountsRow: t.Decoder<unknown, { readonly mailboxId: MailboxId; readonly views: ViewTallies }> = {
  name: 'CountsRow',
  decode: (u) => CountsRow.validate(u, []),
  validate: (u, c) => {
    const decoded = TallyRow.validate(u, c);
    if (decoded._tag === 'Left') return decoded;
    const { mailboxId, threads, unread } = decoded.right;
    return t.success({ mailboxId, views: viewTallies(threads, unread) });
  },
};
