/** Where each mailbox keeps its emails and what it did with them, as far as a search may ask for it. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { EmailFiled, Place } from '@tidings/contracts/events/thread';
import type { EmailId, MailboxId, ThreadId, UserId } from '@tidings/contracts/ids';
import type { ProjectionTx } from '@tidings/contracts/projection';
import { reveal } from '@tidings/contracts/sealed';
import { cameAt } from '../threads/fold.ts';
import type { Removal } from '../threads/removal.ts';
import type { HeldMail } from './kept-words.ts';

/** Incoming mail is unread until its thread is read up to it, unless it was read where it was before. A star is the thread's, so emails that come later have it. */
export const saveEmails = async (filed: readonly Recorded<EmailFiled>[], tx: ProjectionTx): Promise<void> => {
  if (filed.length === 0) return;
  await tx.query(
    `insert into ${tx.schema}.email (mailbox_id, email_id, thread_id, at, size, incoming, unread, starred, has_attachments, place, position)
     select n.mailbox_id, n.email_id, n.thread_id, n.at, n.size, n.incoming, n.unread, s.thread_id is not null, n.has_attachments, n.place, n.position
     from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::bigint[], $6::boolean[], $7::boolean[], $8::text[], $9::text[], $10::boolean[])
       as n (mailbox_id, email_id, thread_id, at, size, incoming, has_attachments, place, position, unread)
     left join ${tx.schema}.starred s on s.thread_id = n.thread_id and s.mailbox_id = n.mailbox_id
     on conflict do nothing`,
    [
      filed.map(({ data }) => data.mailboxId),
      filed.map(({ data }) => data.emailId),
      filed.map(({ data }) => data.threadId),
      filed.map(cameAt),
      filed.map(({ data }) => data.size),
      filed.map(({ data }) => data.direction === 'in'),
      filed.map(({ data }) => reveal(data.content, null)?.hasAttachments ?? false),
      filed.map(({ data }) => data.place),
      filed.map(({ position }) => position),
      filed.map(({ data }) => data.direction === 'in' && data.imported?.keywords.$seen !== true),
    ],
  );
};

interface Held {
  readonly threadId: ThreadId;
  readonly mailboxId: MailboxId;
}

interface Moved extends Held {
  readonly emailId: EmailId;
  readonly place: Place;
}

/** A mailbox no longer holds these emails in a thread; gives those that it held. They may be there in another one, with words of their own. */
export const forgetEmails = async ({ threadId, mailboxId, some }: Removal, tx: ProjectionTx): Promise<readonly HeldMail[]> => {
  const { schema } = tx;
  const gone = await tx.query<HeldMail>(
    `delete from ${schema}.email where thread_id = $1 and mailbox_id = $2 ${some === null ? '' : 'and email_id = any($3::uuid[])'} returning ${heldMail}`,
    some === null ? [threadId, mailboxId] : [threadId, mailboxId, some.emailIds],
  );
  if (some === null) {
    for (const table of ['starred', 'labelled']) {
      await tx.query(`delete from ${schema}.${table} where thread_id = $1 and mailbox_id = $2`, [threadId, mailboxId]);
    }
  }
  return gone;
};

/** These mailboxes are no more; gives what they held. */
export const forgetMailboxes = async (closed: readonly MailboxId[], tx: ProjectionTx): Promise<readonly HeldMail[]> => {
  const gone = await tx.query<HeldMail>(`delete from ${tx.schema}.email where mailbox_id = any($1::uuid[]) returning ${heldMail}`, [
    closed,
  ]);
  for (const table of ['starred', 'label', 'labelled']) {
    await tx.query(`delete from ${tx.schema}.${table} where mailbox_id = any($1::uuid[])`, [closed]);
  }
  await tx.query(`delete from ${tx.schema}.assigned a where not exists (select from ${tx.schema}.email e where e.thread_id = a.thread_id)`);
  return gone;
};

const heldMail = `mailbox_id as "mailboxId", email_id as "emailId", thread_id as "threadId"`;

/** What a page did with mails; the last word on each counts. Emails that it filed are there already. */
export class Filing {
  readonly #moved = new Map<string, Moved>();
  readonly #read = new Map<string, Held & { readonly upTo: EmailId | null }>();
  readonly #assigned = new Map<string, { readonly threadId: ThreadId; readonly userId: UserId; readonly assigned: boolean }>();
  /** Exceptions to how far a thread is read, behind that. */
  readonly #seen = new Map<string, Held & { readonly emailId: EmailId; readonly seen: boolean }>();
  readonly #starred = new Map<string, Held & { readonly starred: boolean }>();

  take(event: Recorded): void {
    if (event.type === 'EmailsMoved') {
      const { threadId, mailboxId, emailIds, place } = event.data;
      for (const emailId of emailIds) this.#moved.set(keyOf(event.data) + emailId, { threadId, mailboxId, emailId, place });
    } else if (event.type === 'ThreadRead') {
      this.#read.set(keyOf(event.data), event.data);
      for (const [key, one] of this.#seen) if (keyOf(one) === keyOf(event.data)) this.#seen.delete(key);
    } else if (event.type === 'EmailKeywordsSet') {
      const { threadId, mailboxId, emailId, set } = event.data;
      const seen = set.$seen;
      if (seen !== undefined) this.#seen.set(keyOf(event.data) + emailId, { threadId, mailboxId, emailId, seen });
    } else if (event.type === 'ThreadAssigned' || event.type === 'ThreadUnassigned') {
      const { threadId, userId } = event.data;
      this.#assigned.set(threadId + userId, { threadId, userId, assigned: event.type === 'ThreadAssigned' });
    } else if (event.type === 'ThreadStarred') this.#starred.set(keyOf(event.data), event.data);
    else if (event.type === 'EmailFiled' && event.data.imported?.starred === true) {
      const { threadId, mailboxId } = event.data;
      this.#starred.set(keyOf(event.data), { threadId, mailboxId, starred: true });
    }
  }

  async save(tx: ProjectionTx): Promise<void> {
    await this.#saveMoved([...this.#moved.values()], tx);
    await this.#saveRead([...this.#read.values()], tx);
    await this.#saveSeen([...this.#seen.values()], tx);
    await this.#saveStarred([...this.#starred.values()], tx);
    await this.#saveAssigned(tx);
  }

  /** Primary key (mailbox_id, email_id, thread_id). */
  async #saveMoved(moved: readonly Moved[], tx: ProjectionTx) {
    if (moved.length === 0) return;
    await tx.query(
      `update ${tx.schema}.email e set place = m.place
       from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[]) as m (mailbox_id, email_id, thread_id, place)
       where e.mailbox_id = m.mailbox_id and e.email_id = m.email_id and e.thread_id = m.thread_id`,
      [
        moved.map(({ mailboxId }) => mailboxId),
        moved.map(({ emailId }) => emailId),
        moved.map(({ threadId }) => threadId),
        moved.map(({ place }) => place),
      ],
    );
  }

  /** Index email (thread_id, mailbox_id). */
  async #saveRead(read: readonly (Held & { readonly upTo: EmailId | null })[], tx: ProjectionTx) {
    if (read.length === 0) return;
    await tx.query(
      `with read as (
         select r.thread_id, r.mailbox_id, coalesce(u.position, '') as up_to
         from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as r (thread_id, mailbox_id, email_id)
         left join ${tx.schema}.email u on u.mailbox_id = r.mailbox_id and u.email_id = r.email_id and u.thread_id = r.thread_id
         where r.email_id is null or u.position is not null
       )
       update ${tx.schema}.email e set unread = e.position > r.up_to from read r
       where e.thread_id = r.thread_id and e.mailbox_id = r.mailbox_id and e.incoming and e.unread <> (e.position > r.up_to)`,
      [read.map(({ threadId }) => threadId), read.map(({ mailboxId }) => mailboxId), read.map(({ upTo }) => upTo)],
    );
  }

  /** Primary key (mailbox_id, email_id). */
  async #saveSeen(seen: readonly (Held & { readonly emailId: EmailId; readonly seen: boolean })[], tx: ProjectionTx) {
    if (seen.length === 0) return;
    await tx.query(
      `update ${tx.schema}.email e set unread = not s.seen from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::boolean[]) as s (mailbox_id, email_id, thread_id, seen)
       where e.mailbox_id = s.mailbox_id and e.email_id = s.email_id and e.thread_id = s.thread_id and e.incoming`,
      [
        seen.map(({ mailboxId }) => mailboxId),
        seen.map(({ emailId }) => emailId),
        seen.map(({ threadId }) => threadId),
        seen.map((one) => one.seen),
      ],
    );
  }

  /** Primary key (thread_id, user_id). */
  async #saveAssigned(tx: ProjectionTx) {
    const [on, off] = [true, false].map((wanted) => [...this.#assigned.values()].filter(({ assigned }) => assigned === wanted));
    const texts = [
      [on, `insert into ${tx.schema}.assigned (thread_id, user_id) select * from unnest($1::uuid[], $2::uuid[]) on conflict do nothing`],
      [off, `delete from ${tx.schema}.assigned where (thread_id, user_id) in (select * from unnest($1::uuid[], $2::uuid[]))`],
    ] as const;
    for (const [rows = [], text] of texts) {
      if (rows.length > 0) await tx.query(text, [rows.map(({ threadId }) => threadId), rows.map(({ userId }) => userId)]);
    }
  }

  /** Index email (thread_id, mailbox_id). */
  async #saveStarred(starred: readonly (Held & { readonly starred: boolean })[], tx: ProjectionTx) {
    if (starred.length === 0) return;
    const values = [starred.map(({ threadId }) => threadId), starred.map(({ mailboxId }) => mailboxId), starred.map((one) => one.starred)];
    const page = `unnest($1::uuid[], $2::uuid[], $3::boolean[]) as s (thread_id, mailbox_id, starred)`;
    await tx.query(
      `update ${tx.schema}.email e set starred = s.starred from ${page}
       where e.thread_id = s.thread_id and e.mailbox_id = s.mailbox_id and e.starred <> s.starred`,
      values,
    );
    await tx.query(
      `insert into ${tx.schema}.starred (thread_id, mailbox_id) select thread_id, mailbox_id from ${page} where s.starred on conflict do nothing`,
      values,
    );
    await tx.query(
      `delete from ${tx.schema}.starred x using ${page}
       where x.thread_id = s.thread_id and x.mailbox_id = s.mailbox_id and not s.starred`,
      values,
    );
  }
}

const keyOf = ({ threadId, mailboxId }: Held): string => threadId + mailboxId;
