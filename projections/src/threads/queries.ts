/** What readers ask of threads. Lists are walks along the index of their view (`index.ts`), as long as the page and no longer. */
import { int } from '@tidings/contracts/codec';
import { MailAddress, type View, views } from '@tidings/contracts/http/mail-objects';
import { MailboxId, ThreadId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import { rows } from '@tidings/contracts/sql-rows';
import { Timestamp } from '@tidings/contracts/time';
import * as t from 'io-ts';
import { sql, type FragmentSqlToken, type IdentifierSqlToken } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';

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
  t.first_at as "firstAt", t.last_at as "lastAt", t.in_inbox as "inInbox", t.in_archive as "inArchive", t.in_sent as "inSent",
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
  readonly unread: boolean | null;
  /** Null for the first page. */
  readonly walk: Walk | null;
  readonly limit: number;
  /** Left out: all of the view. */
  readonly among?: AmongThreads | null;
}

/** A choice of threads that another table keeps in the order of lists; there its rows are `k`. */
export interface AmongThreads {
  /** With columns thread_id, mailbox_id, last_at and last_position. */
  readonly table: IdentifierSqlToken;
  readonly where: FragmentSqlToken;
}

/**
 * Newest first. A thread that got an email since the walk began has gone up in the list, out of its sight; it is shown where it stood then, which
 * its emails tell. So a walk meets each thread that was in the list, once, whatever arrives meanwhile.
 */
export const threadsInView = (schema: string, { mailbox, view, unread, walk, limit, among = null }: ThreadPage) => {
  const own = sql.fragment`${tableIn(schema, 'thread')} t`;
  const inMailbox = sql.fragment`t.mailbox_id = ${mailbox} and ${conditions[view]} ${unreadIn(view, unread)}`;
  const thread =
    among === null ? own : sql.fragment`${among.table} k join ${own} on t.thread_id = k.thread_id and t.mailbox_id = k.mailbox_id`;
  const shown = among === null ? inMailbox : sql.fragment`${among.where} and ${inMailbox}`;
  const [lastAt, lastPosition] =
    among === null ? [sql.fragment`t.last_at`, sql.fragment`t.last_position`] : [sql.fragment`k.last_at`, sql.fragment`k.last_position`];
  if (walk === null) {
    return sql.type(rows(ListedThread))`
      select ${columns}, ${lastAt} as "keyAt", ${lastPosition} as "keyPosition"
      from ${thread} where ${shown} order by ${lastAt} desc, ${lastPosition} desc limit ${limit}`;
  }
  const began = keyOf(walk.began);
  const after = keyOf(walk.after);
  return sql.type(rows(ListedThread))`
    select * from (
      (
        select ${columns}, ${lastAt} as "keyAt", ${lastPosition} as "keyPosition"
        from ${thread}
        where ${shown} and (${lastAt}, ${lastPosition}) < ${after}
        order by ${lastAt} desc, ${lastPosition} desc limit ${limit}
      )
      union all
      (
        select ${columns}, stood.filed_at, stood.position
        from ${thread}
        cross join lateral (
          select split_part(e, '|', 2)::timestamptz as filed_at, split_part(e, '|', 3) collate "C" as position
          from ${tableIn(schema, 'held')} h cross join lateral string_to_table(h.emails, ';') with ordinality as filed (e, nth)
          where h.thread_id = t.thread_id and h.mailbox_id = t.mailbox_id and e like '1|%'
            and (split_part(e, '|', 2)::timestamptz, split_part(e, '|', 3) collate "C") <= ${began}
          order by h.chunk desc, filed.nth desc limit 1
        ) stood
        where ${shown} and (${lastAt}, ${lastPosition}) > ${began} and (stood.filed_at, stood.position) < ${after}
        order by stood.filed_at desc, stood.position desc limit ${limit}
      )
    ) listed order by "keyAt" desc, "keyPosition" desc limit ${limit}`;
};

const keyOf = ({ at, position }: ListKey): FragmentSqlToken => sql.fragment`(${at}::timestamptz, ${position})`;

const main = sql.fragment`t.in_inbox + t.in_archive + t.in_sent + t.in_drafts > 0`;

/** As `fold.ts` counts them, and word for word as the indexes have them. */
const conditions: Readonly<Record<View, FragmentSqlToken>> = {
  inbox: sql.fragment`t.in_inbox > 0`,
  all: main,
  starred: sql.fragment`t.starred and ${main}`,
  sent: sql.fragment`t.in_sent > 0`,
  drafts: sql.fragment`t.in_drafts > 0`,
  archive: sql.fragment`t.in_archive > 0 and t.in_inbox = 0`,
  spam: sql.fragment`t.in_spam > 0`,
  trash: sql.fragment`t.in_trash > 0`,
};

/** Threads `t` of a view. */
export const conditionOf = (view: View): FragmentSqlToken => conditions[view];

const unreadIn = (view: View, wanted: boolean | null): FragmentSqlToken => {
  if (wanted === null) return sql.fragment``;
  if (view === 'spam') return wanted ? sql.fragment`and t.unread_spam > 0` : sql.fragment`and t.unread_spam = 0`;
  if (view === 'trash') return wanted ? sql.fragment`and t.unread_trash > 0` : sql.fragment`and t.unread_trash = 0`;
  // The first condition holds in all these views; it is there so that index thread_unread serves.
  return wanted ? sql.fragment`and ${main} and t.unread_main > 0` : sql.fragment`and t.unread_main = 0`;
};

/** A thread in these mailboxes. Primary key (thread_id, mailbox_id). */
export const threadIn = (schema: string, thread: ThreadId, mailboxes: readonly MailboxId[]) => threadsIn(schema, [thread], mailboxes);

/** Threads in these mailboxes. Primary key (thread_id, mailbox_id). */
export const threadsIn = (schema: string, threads: readonly ThreadId[], mailboxes: readonly MailboxId[]) => sql.type(rows(ListedThread))`
  select ${columns}, t.last_at as "keyAt", t.last_position as "keyPosition"
  from ${tableIn(schema, 'thread')} t
  where t.thread_id = any(${sql.array(threads, 'uuid')}) and t.mailbox_id = any(${sql.array(mailboxes, 'uuid')})
  order by t.thread_id, t.mailbox_id`;

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
