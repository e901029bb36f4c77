/** What readers ask of emails. */
import { int, nullable, oneOf } from '@tidings/contracts/codec';
import { EmailContent } from '@tidings/contracts/events/email';
import { Place } from '@tidings/contracts/events/thread';
import { BlobId, EmailId, MailboxId, ThreadId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import { rows } from '@tidings/contracts/sql-rows';
import { Timestamp } from '@tidings/contracts/time';
import * as t from 'io-ts';
import { sql, type FragmentSqlToken } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';

/** Positions in our own tables were checked when they were written. */
const PositionText = t.string as unknown as t.Type<Position, string>;

const HeldEmail = t.readonly(
  t.type({
    emailId: EmailId,
    mailboxId: MailboxId,
    threadId: ThreadId,
    receivedAt: Timestamp,
    /** It came by SMTP, or from another mailbox of ours; not so what was brought along. */
    wasReceived: t.boolean,
    /** With `position` its place in the thread, for the next page's cursor. */
    cameAt: Timestamp,
    position: PositionText,
    size: int(0),
    direction: oneOf('in', 'out'),
    place: Place,
    /** Incoming emails behind how far the thread is read are not, but for exceptions. */
    seen: t.boolean,
    flagged: t.boolean,
    answered: t.boolean,
    forwarded: t.boolean,
    blobId: BlobId,
    bodyBlobId: BlobId,
    messageIdReused: t.boolean,
    /** Whom the envelope named in this mailbox; null when it had none or is erased. */
    envelopeTo: nullable(t.readonlyArray(t.string)),
    /** Null once erased. */
    content: nullable(EmailContent),
  }),
);
export type HeldEmail = t.TypeOf<typeof HeldEmail>;

/** Marks by the primary keys of read and keywords, when it was received by that of received; what never came by SMTP counts from when it was filed. */
const select = (schema: string): FragmentSqlToken => sql.fragment`
  select e.email_id as "emailId", e.mailbox_id as "mailboxId", e.thread_id as "threadId", coalesce(r.received_at, e.came_at) as "receivedAt", r.received_at is not null as "wasReceived", e.came_at as "cameAt",
    e.position, e.size, e.direction, e.place,
    coalesce((k.keywords -> '$seen')::boolean, e.direction = 'out' or e.position <= coalesce(w.up_to, '')) as seen,
    coalesce((k.keywords -> '$flagged')::boolean, false) as flagged, coalesce((k.keywords -> '$answered')::boolean, false) as answered,
    coalesce((k.keywords -> '$forwarded')::boolean, false) as forwarded, e.blob_id as "blobId", e.body_blob_id as "bodyBlobId", e.message_id_reused as "messageIdReused", e.envelope_to as "envelopeTo", e.content
  from ${tableIn(schema, 'email')} e
  left join ${tableIn(schema, 'received')} r on r.email_id = e.email_id
  left join ${tableIn(schema, 'read')} w on w.thread_id = e.thread_id and w.mailbox_id = e.mailbox_id
  left join ${tableIn(schema, 'keywords')} k on k.thread_id = e.thread_id and k.mailbox_id = e.mailbox_id and k.email_id = e.email_id`;

/** An email in each of these mailboxes that holds it. Primary key (email_id, mailbox_id). */
export const emailIn = (schema: string, email: EmailId, mailboxes: readonly MailboxId[]) => sql.type(rows(HeldEmail))`
  ${select(schema)} where e.email_id = ${email} and e.mailbox_id = any(${sql.array(mailboxes, 'uuid')}) order by e.mailbox_id, e.position`;

/** These emails of these mailboxes, pair by pair, in any order. Each once, whatever the number of its threads. Primary key (email_id, mailbox_id, …). */
export const emailsAt = (schema: string, held: readonly { readonly emailId: EmailId; readonly mailboxId: MailboxId }[]) => {
  const emails = held.map(({ emailId }) => emailId);
  const mailboxes = held.map(({ mailboxId }) => mailboxId);
  return sql.type(rows(HeldEmail))`
    ${select(schema)} join unnest(${sql.array(emails, 'uuid')}, ${sql.array(mailboxes, 'uuid')}) as asked (email_id, mailbox_id)
      on e.email_id = asked.email_id and e.mailbox_id = asked.mailbox_id
    where not exists (
      select from ${tableIn(schema, 'email')} o
      where o.email_id = e.email_id and o.mailbox_id = e.mailbox_id and (o.position, o.thread_id) < (e.position, e.thread_id)
    )`;
};

export interface MessagesPage {
  readonly thread: ThreadId;
  readonly mailbox: MailboxId;
  readonly places: readonly Place[];
  /** The last one of the page before. */
  readonly after: PlaceInThread | null;
  readonly limit: number;
}

/** Of emails and of what is said about them: when it came, then its position among what came at one instant. */
export interface PlaceInThread {
  readonly at: Timestamp;
  readonly position: Position;
}

/** Emails of a thread, the oldest first. Index email (thread_id, mailbox_id, came_at, position). */
export const emailsOfThread = (schema: string, { thread, mailbox, places, after, limit }: MessagesPage) => sql.type(rows(HeldEmail))`
  ${select(schema)}
  where e.thread_id = ${thread} and e.mailbox_id = ${mailbox} and e.place = any(${sql.array(places, 'text')})
    ${after === null ? sql.fragment`` : sql.fragment`and (e.came_at, e.position) > (${after.at}::timestamptz, ${after.position})`}
  order by e.came_at, e.position limit ${limit}`;

/** What lies in trash or spam of a mailbox, the longest first. Index email_in_bin. */
export const lyingIn = (schema: string, mailbox: MailboxId, place: 'trash' | 'spam', limit: number) => sql.type(rows(LyingEmail))`
  select email_id as "emailId", mailbox_id as "mailboxId", thread_id as "threadId" from ${tableIn(schema, 'email')}
  where mailbox_id = ${mailbox} and place = ${place} and place in ('trash', 'spam') order by placed_at, position limit ${limit}`;

/** What has lain in trash or spam of any mailbox since before `until`, the longest first. Index email_to_empty. */
export const lyingSince = (schema: string, place: 'trash' | 'spam', until: Timestamp, limit: number) => sql.type(rows(LyingEmail))`
  select email_id as "emailId", mailbox_id as "mailboxId", thread_id as "threadId" from ${tableIn(schema, 'email')}
  where place = ${place} and place in ('trash', 'spam') and placed_at < ${until}::timestamptz order by placed_at, position limit ${limit}`;

const LyingEmail = t.readonly(t.type({ emailId: EmailId, mailboxId: MailboxId, threadId: ThreadId }));
