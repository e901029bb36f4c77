/** Loads and saves the rows of one page: one statement per table and direction. */
import type { MailAddress } from '@tidings/contracts/http/mail-objects';
import type { MailboxId, ThreadId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import type { ProjectionTx } from '@tidings/contracts/projection';
import type { Timestamp } from '@tidings/contracts/time';
import { storable } from '../chat-view/people.ts';
import type { Tally, ThreadRow } from './fold.ts';

export interface Key {
  readonly threadId: ThreadId;
  readonly mailboxId: MailboxId;
}
export const keyOf = ({ threadId, mailboxId }: Key): string => threadId + mailboxId;

interface StoredThread {
  thread_id: ThreadId;
  mailbox_id: MailboxId;
  subject: string;
  snippet: string;
  participants: readonly MailAddress[];
  first_at: Timestamp;
  last_at: Timestamp;
  last_position: Position;
  ended_at: Timestamp | null;
  starred: boolean;
  has_attachments: boolean;
  marked: boolean;
  read_up_to: Position | '';
  in_inbox: number;
  in_archive: number;
  in_sent: number;
  in_drafts: number;
  in_spam: number;
  in_trash: number;
  unread_main: number;
  unread_spam: number;
  unread_trash: number;
}

const COLUMNS = `thread_id, mailbox_id, first_at, last_at, in_inbox, in_archive, in_sent, in_drafts, in_spam, in_trash, unread_main, unread_spam,
  unread_trash, starred, has_attachments, marked, last_position, read_up_to, subject, snippet, participants, ended_at`;

/** Without their emails, which `loadHeld` loads for those threads that need them. Primary key (thread_id, mailbox_id). */
export const loadThreads = async (keys: readonly Key[], tx: ProjectionTx): Promise<Map<string, ThreadRow>> => {
  if (keys.length === 0) return new Map();
  const found = await tx.query<StoredThread>(
    `select ${COLUMNS} from unnest($1::uuid[], $2::uuid[]) as k (thread_id, mailbox_id) join ${tx.schema}.thread using (thread_id, mailbox_id)`,
    [plainArray(keys, (key) => key.threadId), plainArray(keys, (key) => key.mailboxId)],
  );
  const rows = found.map((row): ThreadRow => ({
    threadId: row.thread_id,
    mailboxId: row.mailbox_id,
    subject: row.subject,
    snippet: row.snippet,
    participants: row.participants,
    firstAt: row.first_at,
    lastAt: row.last_at,
    lastPosition: row.last_position,
    endedAt: row.ended_at,
    starred: row.starred,
    hasAttachments: row.has_attachments,
    marked: row.marked,
    readUpTo: row.read_up_to,
    emails: {
      inbox: row.in_inbox,
      archive: row.in_archive,
      sent: row.in_sent,
      drafts: row.in_drafts,
      spam: row.in_spam,
      trash: row.in_trash,
    },
    unread: { main: row.unread_main, spam: row.unread_spam, trash: row.unread_trash },
  }));
  return new Map(rows.map((row) => [keyOf(row), row]));
};

/** Between two emails of a text, and before emails that go behind those that are there (`updateThreads`). */
export const NEXT = ';';

/** The text of a thread's first emails (`held.ts`). */
export type OwnText = (row: ThreadRow) => string;

/** Rows that are not there yet. Without looking for conflicts Postgres has half as much to do for a row. */
export const insertThreads = (rows: readonly ThreadRow[], text: OwnText, tx: ProjectionTx): Promise<void> =>
  writeThreads(rows, text, tx, '');

/**
 * Rows that are there.
 * @param text that begins with `NEXT` goes behind the one that is there, which need not be known for it; `NEXT` alone leaves that as it is
 */
export const updateThreads = (rows: readonly ThreadRow[], text: OwnText, tx: ProjectionTx): Promise<void> =>
  writeThreads(
    rows,
    text,
    tx,
    `on conflict (thread_id, mailbox_id) do update set
       first_at = excluded.first_at, last_at = excluded.last_at, ended_at = excluded.ended_at, in_inbox = excluded.in_inbox, in_archive = excluded.in_archive, in_sent = excluded.in_sent,
       in_drafts = excluded.in_drafts, in_spam = excluded.in_spam, in_trash = excluded.in_trash, unread_main = excluded.unread_main,
       unread_spam = excluded.unread_spam, unread_trash = excluded.unread_trash, starred = excluded.starred,
       has_attachments = excluded.has_attachments, marked = excluded.marked, last_position = excluded.last_position, read_up_to = excluded.read_up_to,
       snippet = excluded.snippet, participants = excluded.participants,
       emails = case when excluded.emails = '${NEXT}' then t.emails when starts_with(excluded.emails, '${NEXT}') then t.emails || excluded.emails
         else excluded.emails end`,
  );

const writeThreads = async (rows: readonly ThreadRow[], text: OwnText, tx: ProjectionTx, onConflict: string): Promise<void> => {
  if (rows.length === 0) return;
  await tx.query(
    `insert into ${tx.schema}.thread as t (${COLUMNS}, emails)
     select * from rows from (
       unnest($1::uuid[]), unnest($2::uuid[]), unnest($3::timestamptz[]), unnest($4::timestamptz[]),
       unnest($5::int[]), unnest($6::int[]), unnest($7::int[]), unnest($8::int[]), unnest($9::int[]), unnest($10::int[]),
       unnest($11::int[]), unnest($12::int[]), unnest($13::int[]), unnest($14::boolean[]), unnest($15::boolean[]), unnest($16::boolean[]),
       unnest($17::text[]), unnest($18::text[]), unnest($19::text[]), unnest($20::text[]), json_array_elements($21::json),
       unnest($22::timestamptz[]), unnest($23::text[])
     ) ${onConflict}`,
    [
      plainArray(rows, (row) => row.threadId),
      plainArray(rows, (row) => row.mailboxId),
      plainArray(rows, (row) => row.firstAt),
      plainArray(rows, (row) => row.lastAt),
      plainArray(rows, (row) => row.emails.inbox),
      plainArray(rows, (row) => row.emails.archive),
      plainArray(rows, (row) => row.emails.sent),
      plainArray(rows, (row) => row.emails.drafts),
      plainArray(rows, (row) => row.emails.spam),
      plainArray(rows, (row) => row.emails.trash),
      plainArray(rows, (row) => row.unread.main),
      plainArray(rows, (row) => row.unread.spam),
      plainArray(rows, (row) => row.unread.trash),
      plainArray(rows, (row) => row.starred),
      plainArray(rows, (row) => row.hasAttachments),
      plainArray(rows, (row) => row.marked),
      plainArray(rows, (row) => row.lastPosition),
      rows.map((row) => row.readUpTo),
      rows.map((row) => row.subject),
      rows.map((row) => storable(row.snippet)),
      `[${rows.map((row) => JSON.stringify(row.participants)).join(',')}]`,
      plainArray(rows, (row) => row.endedAt ?? 'null'),
      plainArray(rows, (row) => text(row) || '""'), // the one text that needs quotes
    ],
  );
};

export const loadTallies = async (mailboxes: ReadonlySet<MailboxId>, tx: ProjectionTx): Promise<Map<MailboxId, Tally>> => {
  const found = await tx.query<{ mailbox_id: MailboxId; threads: number[]; unread: number[] }>(
    `select mailbox_id, threads, unread from ${tx.schema}.tally where mailbox_id = any($1::uuid[])`,
    [[...mailboxes]],
  );
  return new Map(found.map(({ mailbox_id, threads, unread }) => [mailbox_id, { threads, unread }]));
};

export const saveTallies = async (tallies: ReadonlyMap<MailboxId, Tally>, tx: ProjectionTx): Promise<void> => {
  const rows = [...tallies];
  await tx.query(
    `insert into ${tx.schema}.tally (mailbox_id, threads, unread)
     select mailbox_id, threads::bigint[], unread::bigint[] from unnest($1::uuid[], $2::text[], $3::text[]) as n (mailbox_id, threads, unread)
     on conflict (mailbox_id) do update set threads = excluded.threads, unread = excluded.unread`,
    [
      rows.map(([mailbox]) => mailbox),
      rows.map(([, tally]) => `{${tally.threads.join(',')}}`),
      rows.map(([, tally]) => `{${tally.unread.join(',')}}`),
    ],
  );
};

/** An array literal of values that need no quoting: ids, numbers, times, words of ours. Never for text from outside. */
export const plainArray = <A>(items: readonly A[], value: (item: A) => string | number | boolean): string =>
  `{${items.map(value).join(',')}}`;
