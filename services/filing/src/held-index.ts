/**
 * What the mailboxes of one page hold, as far as the page's mails ask: rows from the tables, and over them what the page itself files.
 * Message ids and subjects are compared by their hashes.
 */
import { hash } from 'node:crypto';
import type { EmailId, MailboxId, ThreadId } from '@tidings/contracts/ids';
import { baseSubject } from '@tidings/domain/mail/base-subject';
import { namedIds, normaliseMessageId, type Candidates, type ThreadingHeaders } from '@tidings/domain/mail/threading';
import type { Pool, PoolClient } from 'pg';

/** An email in a mailbox, as the index keeps it. */
export interface Held {
  readonly mailboxId: MailboxId;
  readonly emailId: EmailId;
  readonly threadId: ThreadId;
  /** Hashes in hex. */
  readonly messageId: string | null;
  readonly contentHash: string | null;
  readonly baseSubject: string;
  /** Hashes of the ids it names. */
  readonly names: readonly { readonly id: string; readonly inReplyTo: boolean }[];
}

export const hashOf = (text: string): string => hash('sha256', text, 'hex').slice(0, 32);
const idHash = (messageId: string): string => hashOf(normaliseMessageId(messageId));

/** The row of an email that goes into `threadId`. */
export const heldFrom = (
  mailboxId: MailboxId,
  emailId: EmailId,
  threadId: ThreadId,
  mail: ThreadingHeaders,
  contentHash: string | null,
): Held => {
  const direct = new Set(mail.inReplyTo.map(idHash));
  return {
    mailboxId,
    emailId,
    threadId,
    messageId: mail.messageId === null ? null : idHash(mail.messageId),
    contentHash,
    baseSubject: hashOf(baseSubject(mail.subject)),
    names: [...new Set(namedIds(mail).map(idHash))].map((id) => ({ id, inReplyTo: direct.has(id) })),
  };
};

/** Nothing is filed in a mailbox once it is closed. Primary keys. */
export const forgetMailboxes = async (client: PoolClient, closed: readonly unknown[]): Promise<void> => {
  for (const table of ['held', 'naming', 'set_aside', 'pending'])
    await client.query(`delete from filing.${table} where mailbox_id = any($1::uuid[])`, [closed]);
};

type Row = Omit<Held, 'names'>;
interface Naming extends Row {
  readonly inReplyTo: boolean;
}

export class HeldIndex {
  readonly #byMessageId = new Map<string, Row[]>();
  readonly #byNamed = new Map<string, Naming[]>();
  readonly #added = new Map<string, Held>();
  readonly #moved: Moved[] = [];
  readonly #destroyed: Destroyed[] = [];

  /** Loads what these mails will ask for: two queries, whatever their number. */
  static async load(pool: Pool, mails: readonly { readonly mailboxId: MailboxId; readonly mail: ThreadingHeaders }[]): Promise<HeldIndex> {
    const index = new HeldIndex();
    if (mails.length === 0) return index;
    const asked = mails.flatMap(({ mailboxId, mail }) => {
      const own = mail.messageId === null ? [] : [idHash(mail.messageId)];
      return [...own, ...namedIds(mail).map(idHash)].map((id) => ({ mailboxId, id }));
    });
    const own = mails.flatMap(({ mailboxId, mail }) => (mail.messageId === null ? [] : [{ mailboxId, id: idHash(mail.messageId) }]));
    const [held, naming] = await Promise.all([
      pool.query<Row>(HELD, columns(asked)),
      pool.query<Naming & { named: string }>(NAMING, columns(own)),
    ]);
    for (const row of held.rows) if (row.messageId !== null) push(index.#byMessageId, `${row.mailboxId} ${row.messageId}`, row);
    for (const row of naming.rows) push(index.#byNamed, `${row.mailboxId} ${row.named}`, row);
    return index;
  }

  /** Emails of the mailbox with this mail's Message-ID. */
  sameMessageId(mailboxId: MailboxId, mail: ThreadingHeaders): readonly Row[] {
    return mail.messageId === null ? [] : (this.#byMessageId.get(`${mailboxId} ${idHash(mail.messageId)}`) ?? []);
  }

  /** What `chooseThread` wants to know. */
  candidates(mailboxId: MailboxId, mail: ThreadingHeaders): Candidates {
    const own = baseSubject(mail.subject);
    const ownHash = hashOf(own);
    // The index knows only whether a subject is this one.
    const subject = (row: Row): string => (row.baseSubject === ownHash ? own : `\0other ${row.baseSubject}`);
    return {
      named: namedIds(mail).flatMap((messageId) =>
        (this.#byMessageId.get(`${mailboxId} ${idHash(messageId)}`) ?? []).map((row) => ({
          messageId,
          emailId: row.emailId,
          threadId: row.threadId,
          baseSubject: subject(row),
        })),
      ),
      naming:
        mail.messageId === null
          ? []
          : (this.#byNamed.get(`${mailboxId} ${idHash(mail.messageId)}`) ?? []).map((row) => ({
              emailId: row.emailId,
              threadId: row.threadId,
              baseSubject: subject(row),
              inReplyTo: row.inReplyTo,
            })),
    };
  }

  add(held: Held): void {
    this.#added.set(`${held.mailboxId} ${held.emailId}`, held);
    if (held.messageId !== null) push(this.#byMessageId, `${held.mailboxId} ${held.messageId}`, held);
    for (const { id, inReplyTo } of held.names) push(this.#byNamed, `${held.mailboxId} ${id}`, { ...held, inReplyTo });
  }

  /** For emails that may be in the index already, and then with more than is known here. */
  addUnlessHeld(held: Held): void {
    if (!this.#added.has(`${held.mailboxId} ${held.emailId}`)) this.add(held);
  }

  /** An email went on in another thread of the mailbox. */
  move(moved: Moved): void {
    this.#moved.push(moved);
    this.#each(moved, (row) => (row.threadId === moved.from ? { ...row, threadId: moved.to } : row));
  }

  /** An email is no longer there: whoever sends it again, sends it anew. */
  destroy(destroyed: Destroyed): void {
    this.#destroyed.push(destroyed);
    this.#each(destroyed, (row) => (row.threadId === destroyed.threadId ? null : row));
  }

  #each({ mailboxId, emailId }: Pick<Row, 'mailboxId' | 'emailId'>, change: <A extends Row>(row: A) => A | null): void {
    const changed = <A extends Row>(row: A): readonly A[] => {
      const after = row.mailboxId === mailboxId && row.emailId === emailId ? change(row) : row;
      return after === null ? [] : [after];
    };
    for (const [key, rows] of this.#byMessageId) this.#byMessageId.set(key, rows.flatMap(changed));
    for (const [key, rows] of this.#byNamed) this.#byNamed.set(key, rows.flatMap(changed));
    const key = `${mailboxId} ${emailId}`;
    const added = this.#added.get(key);
    const after = added === undefined ? [] : changed(added);
    if (after[0] === undefined) this.#added.delete(key);
    else this.#added.set(key, after[0]);
  }

  /** What really became of an email that was added: another thread, or (null) none. */
  settle(mailboxId: MailboxId, emailId: EmailId, threadId: ThreadId | null): void {
    const key = `${mailboxId} ${emailId}`;
    const held = this.#added.get(key);
    if (held === undefined) return;
    if (threadId === null) this.#added.delete(key);
    else this.#added.set(key, { ...held, threadId });
  }

  async #saveLeft(client: PoolClient): Promise<void> {
    // One by one where an email moved on twice in a page; rarely more than one split at a time anyway.
    for (const step of stepsOf(this.#moved)) {
      await client.query(MOVE, [
        step.map((one) => one.mailboxId),
        step.map((one) => one.emailId),
        step.map((one) => one.from),
        step.map((one) => one.to),
      ]);
    }
    if (this.#destroyed.length === 0) return;
    await client.query(DESTROY, [
      this.#destroyed.map((one) => one.mailboxId),
      this.#destroyed.map((one) => one.emailId),
      this.#destroyed.map((one) => one.threadId),
    ]);
  }

  /** Writes what was added, in order. What is there already stays as it is. */
  async save(client: PoolClient): Promise<void> {
    await this.#saveLeft(client);
    const added = [...this.#added.values()];
    if (added.length === 0) return;
    const names = added.flatMap((held) => held.names.map((named) => ({ ...held, ...named })));
    await client.query(INSERT_HELD, [
      added.map((held) => held.mailboxId),
      added.map((held) => held.emailId),
      added.map((held) => held.threadId),
      added.map((held) => held.messageId),
      added.map((held) => held.contentHash),
      added.map((held) => held.baseSubject),
    ]);
    if (names.length === 0) return;
    await client.query(INSERT_NAMING, [
      names.map((name) => name.mailboxId),
      names.map((name) => name.id),
      names.map((name) => name.emailId),
      names.map((name) => name.inReplyTo),
    ]);
  }
}

interface Moved {
  readonly mailboxId: MailboxId;
  readonly emailId: EmailId;
  readonly from: ThreadId;
  readonly to: ThreadId;
}

interface Destroyed {
  readonly mailboxId: MailboxId;
  readonly emailId: EmailId;
  readonly threadId: ThreadId;
}

/** No email twice in a step. */
const stepsOf = (moved: readonly Moved[]): readonly (readonly Moved[])[] => {
  const steps: Moved[][] = [];
  const times = new Map<string, number>();
  for (const one of moved) {
    const key = one.mailboxId + one.emailId;
    const at = times.get(key) ?? 0;
    times.set(key, at + 1);
    (steps[at] ??= []).push(one);
  }
  return steps;
};

const push = <A>(map: Map<string, A[]>, key: string, value: A): void => {
  const values = map.get(key);
  if (values === undefined) map.set(key, [value]);
  else values.push(value);
};

const columns = (asked: readonly { readonly mailboxId: MailboxId; readonly id: string }[]): unknown[] => [
  asked.map(({ mailboxId }) => mailboxId),
  asked.map(({ id }) => id),
];

const COLUMNS = `
  held.mailbox_id as "mailboxId", held.email_id as "emailId", held.thread_id as "threadId", encode(held.message_id, 'hex') as "messageId",
  encode(held.content_hash, 'hex') as "contentHash", encode(held.base_subject, 'hex') as "baseSubject"`;

// By primary keys. In the order of the log: what was moved before it was destroyed.
const MOVE = `
  update filing.held h set thread_id = m.went_to
  from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[]) as m (mailbox_id, email_id, went_from, went_to)
  where h.mailbox_id = m.mailbox_id and h.email_id = m.email_id and h.thread_id = m.went_from`;

const DESTROY = `
  with gone as (
    delete from filing.held h using unnest($1::uuid[], $2::uuid[], $3::uuid[]) as d (mailbox_id, email_id, thread_id)
    where h.mailbox_id = d.mailbox_id and h.email_id = d.email_id and h.thread_id = d.thread_id
    returning h.mailbox_id, h.email_id
  )
  delete from filing.naming n using gone where n.mailbox_id = gone.mailbox_id and n.email_id = gone.email_id`;

// By index held_message_id.
const HELD = `
  select ${COLUMNS}
  from (select distinct mailbox_id, id from unnest($1::uuid[], $2::text[]) as asked (mailbox_id, id)) asked
  join filing.held on held.mailbox_id = asked.mailbox_id and held.message_id = decode(asked.id, 'hex')
  order by held.seq`;

// By the primary keys of both tables.
const NAMING = `
  select ${COLUMNS}, naming.in_reply_to as "inReplyTo", asked.id as named
  from (select distinct mailbox_id, id from unnest($1::uuid[], $2::text[]) as asked (mailbox_id, id)) asked
  join filing.naming on naming.mailbox_id = asked.mailbox_id and naming.names = decode(asked.id, 'hex')
  join filing.held on held.mailbox_id = naming.mailbox_id and held.email_id = naming.email_id
  order by held.seq`;

const INSERT_HELD = `
  insert into filing.held (mailbox_id, email_id, thread_id, message_id, content_hash, base_subject)
  select mailbox_id, email_id, thread_id, decode(message_id, 'hex'), decode(content_hash, 'hex'), decode(base_subject, 'hex')
  from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[]) with ordinality
    as added (mailbox_id, email_id, thread_id, message_id, content_hash, base_subject, nth)
  order by nth
  on conflict (mailbox_id, email_id) do nothing`;

const INSERT_NAMING = `
  insert into filing.naming (mailbox_id, names, email_id, in_reply_to)
  select mailbox_id, decode(names, 'hex'), email_id, in_reply_to
  from unnest($1::uuid[], $2::text[], $3::uuid[], $4::boolean[]) as added (mailbox_id, names, email_id, in_reply_to)
  on conflict do nothing`;
