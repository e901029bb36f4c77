/** Every email as a mailbox holds it: what its headers say, where it lies, and in which blobs its bytes are. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { EmailFiled, EmailsMoved, Place } from '@tidings/contracts/events/thread';
import type { EmailId, MailboxId, ThreadId } from '@tidings/contracts/ids';
import type { Projection, ProjectionTx } from '@tidings/contracts/projection';
import { isShredded, reveal } from '@tidings/contracts/sealed';
import type { Timestamp } from '@tidings/contracts/time';
import { type Removal, removalEvents, upToRemoval } from '../threads/removal.ts';
import { cameAt } from '../threads/fold.ts';
import { Marks } from './marks.ts';

export * from './queries.ts';
export * from './view.ts';

/**
 * `placed_at` is since when an email lies where it lies; `read` is how far a mailbox has read a thread; `keywords` are there for emails that were marked themselves. A mailbox may hold an email in two threads: its own, and one that is shared with it. `received` knows when SMTP took a mail, which may be long before it is filed; `came_at` is when it was filed, or for old mail that was brought along, when it came to where it was before. `content` and `envelope_to` are null once the mailbox's data is
 * erased. `json`, not `jsonb`: it is only ever read whole.
 */
const tables = (schema: string): string => `
  create table ${schema}.email (
    email_id uuid not null,
    mailbox_id uuid not null,
    thread_id uuid not null,
    came_at timestamptz not null,
    position text collate "C" not null,
    size bigint not null,
    direction text not null,
    place text not null,
    blob_id text not null,
    body_blob_id text not null,
    message_id_reused boolean not null,
    envelope_to json,
    content json,
    placed_at timestamptz not null,
    primary key (email_id, mailbox_id, thread_id)
  );
  create table ${schema}.received (
    email_id uuid primary key,
    received_at timestamptz not null
  );
  create table ${schema}.read (
    thread_id uuid not null,
    mailbox_id uuid not null,
    up_to text collate "C" not null,
    primary key (thread_id, mailbox_id)
  );
  create table ${schema}.keywords (
    thread_id uuid not null,
    mailbox_id uuid not null,
    email_id uuid not null,
    keywords jsonb not null,
    primary key (thread_id, mailbox_id, email_id)
  );`;

/** The emails of a thread in the order they came; what lies in trash and spam, the longest first. */
const indexes = (schema: string): string => `
  create index on ${schema}.email (thread_id, mailbox_id, came_at, position);
  create index email_in_bin on ${schema}.email (mailbox_id, place, placed_at) where place in ('trash', 'spam');
  create index email_to_empty on ${schema}.email (place, placed_at) where place in ('trash', 'spam');`;

const apply = async (page: readonly Recorded[], tx: ProjectionTx): Promise<void> => {
  for (const { events, removal } of upToRemoval(page)) {
    await applyEmails(events, tx);
    if (removal !== null) await remove(removal, tx);
  }
};

/** How far a thread is read is a place in the log, and holds for the emails that are left of it. */
const remove = async ({ threadId, mailboxId, some }: Removal, tx: ProjectionTx): Promise<void> => {
  const here = 'where thread_id = $1 and mailbox_id = $2';
  for (const table of some === null ? ['email', 'read', 'keywords'] : ['email', 'keywords']) {
    if (some === null) await tx.query(`delete from ${tx.schema}.${table} ${here}`, [threadId, mailboxId]);
    else await tx.query(`delete from ${tx.schema}.${table} ${here} and email_id = any($3::uuid[])`, [threadId, mailboxId, some.emailIds]);
  }
};

const applyEmails = async (page: readonly Recorded[], tx: ProjectionTx): Promise<void> => {
  const received = new Map<EmailId, Timestamp>();
  const filed = new Map<string, Filed>();
  const moved = new Map<string, Moved>();
  const closed: MailboxId[] = [];
  const marks = new Marks();
  for (const event of page) {
    marks.take(event);
    if (event.type === 'EmailReceived') received.set(event.data.emailId, event.recordedAt);
    if (event.type === 'EmailFiled')
      filed.set(keyOf(event.data, event.data.emailId), { event, place: event.data.place, placedAt: event.recordedAt });
    if (event.type === 'MailboxClosed') closed.push(event.data.mailboxId);
    if (event.type !== 'EmailsMoved') continue;
    const { threadId, mailboxId, emailIds, place } = event.data;
    const placedAt = event.recordedAt;
    for (const emailId of emailIds) {
      const key = keyOf(event.data, emailId);
      const here = filed.get(key);
      if (here === undefined) moved.set(key, { threadId, mailboxId, emailId, place, placedAt });
      else filed.set(key, { ...here, place, placedAt });
    }
  }
  await saveReceived([...received], tx);
  await saveFiled([...filed.values()], tx);
  await saveMoved([...moved.values()], tx);
  await marks.save(tx);
  // Nothing is filed there any more. Rare enough to look through all mail.
  if (closed.length === 0) return;
  for (const table of ['email', 'read', 'keywords']) {
    await tx.query(`delete from ${tx.schema}.${table} where mailbox_id = any($1::uuid[])`, [closed]);
  }
};

export const emails: Projection = {
  name: 'emails',
  version: 4,
  handles: ['EmailReceived', 'EmailFiled', 'EmailsMoved', 'ThreadRead', 'EmailKeywordsSet', ...removalEvents, 'MailboxClosed'],
  tables,
  indexes,
  apply,
};

interface Filed {
  readonly event: Recorded<EmailFiled>;
  readonly place: Place;
  readonly placedAt: Timestamp;
}

interface Moved {
  readonly threadId: ThreadId;
  readonly mailboxId: MailboxId;
  readonly emailId: EmailId;
  readonly place: Place;
  readonly placedAt: Timestamp;
}

const keyOf = ({ threadId, mailboxId }: EmailFiled['data'] | EmailsMoved['data'], email: EmailId): string => threadId + mailboxId + email;

const saveReceived = async (received: readonly (readonly [EmailId, Timestamp])[], tx: ProjectionTx): Promise<void> => {
  if (received.length === 0) return;
  await tx.query(
    `insert into ${tx.schema}.received (email_id, received_at) select * from unnest($1::uuid[], $2::timestamptz[]) on conflict do nothing`,
    [received.map(([id]) => id), received.map(([, at]) => at)],
  );
};

const saveFiled = async (filed: readonly Filed[], tx: ProjectionTx): Promise<void> => {
  if (filed.length === 0) return;
  const column = (value: (data: EmailFiled['data'], one: Filed) => string | number | boolean): string =>
    `{${filed.map((one) => value(one.event.data, one)).join(',')}}`; // ids, numbers, times and words of ours: nothing to quote
  const json = (value: (data: EmailFiled['data']) => unknown): string =>
    `[${filed.map(({ event }) => JSON.stringify(value(event.data))).join(',')}]`;
  await tx.query(
    `insert into ${tx.schema}.email (email_id, mailbox_id, thread_id, came_at, position, size, direction, place, blob_id, body_blob_id, message_id_reused, envelope_to, content, placed_at)
     select email_id, mailbox_id, thread_id, came_at, position, size, direction, place, blob_id, body_blob_id, message_id_reused,
            case when json_typeof(envelope_to) = 'null' then null else envelope_to end, case when json_typeof(content) = 'null' then null else content end, placed_at
     from rows from (
       unnest($1::uuid[]), unnest($2::uuid[]), unnest($3::uuid[]), unnest($4::timestamptz[]), unnest($5::text[]), unnest($6::bigint[]),
       unnest($7::text[]), unnest($8::text[]), unnest($9::text[]), unnest($10::text[]), unnest($11::boolean[]), json_array_elements($12::json),
       json_array_elements($13::json), unnest($14::timestamptz[])
     ) as n (email_id, mailbox_id, thread_id, came_at, position, size, direction, place, blob_id, body_blob_id, message_id_reused, envelope_to, content, placed_at)
     on conflict (email_id, mailbox_id, thread_id) do nothing`,
    [
      column((data) => data.emailId),
      column((data) => data.mailboxId),
      column((data) => data.threadId),
      column((_, { event }) => cameAt(event)),
      column((_, { event }) => event.position),
      column((data) => data.size),
      column((data) => data.direction),
      column((_, { place }) => place),
      column((data) => data.blobId),
      column((data) => data.bodyBlobId),
      column((data) => data.messageIdReused),
      json(({ envelope }) => reveal(envelope, null)?.rcptTo ?? null),
      json(({ content }) => (isShredded(content) ? null : content)),
      column((_, { placedAt }) => placedAt),
    ],
  );
};

const saveMoved = async (moved: readonly Moved[], tx: ProjectionTx): Promise<void> => {
  if (moved.length === 0) return;
  await tx.query(
    `update ${tx.schema}.email e set place = m.place, placed_at = m.placed_at
     from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[]) as m (email_id, mailbox_id, thread_id, place, placed_at)
     where e.email_id = m.email_id and e.mailbox_id = m.mailbox_id and e.thread_id = m.thread_id`,
    [
      moved.map((one) => one.emailId),
      moved.map((one) => one.mailboxId),
      moved.map((one) => one.threadId),
      moved.map((one) => one.place),
      moved.map((one) => one.placedAt),
    ],
  );
};
