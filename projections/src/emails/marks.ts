/** How far threads are read, and what single emails are marked with. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { EmailKeywordsSet, Keywords, ThreadRead } from '@tidings/contracts/events/thread';
import type { ProjectionTx } from '@tidings/contracts/projection';

type Marked = Omit<EmailKeywordsSet['data'], 'by'>;

/** What a page says of them: the last word counts, and reading a thread ends the exceptions before it. */
export class Marks {
  readonly #read = new Map<string, ThreadRead['data']>();
  readonly #set = new Map<string, Marked>();

  take(event: Recorded): void {
    if (event.type === 'ThreadRead') {
      this.#read.set(event.data.threadId + event.data.mailboxId, event.data);
      for (const [key, one] of this.#set) {
        if (one.threadId === event.data.threadId && one.mailboxId === event.data.mailboxId)
          this.#set.set(key, { ...one, set: withoutSeen(one.set) });
      }
    }
    if (event.type === 'EmailKeywordsSet') this.#mark(event.data);
    if (event.type === 'EmailFiled' && event.data.imported !== undefined) {
      const { threadId, mailboxId, emailId, imported } = event.data;
      this.#mark({ threadId, mailboxId, emailId, set: imported.keywords });
    }
  }

  #mark({ threadId, mailboxId, emailId, set }: Marked): void {
    const key = threadId + mailboxId + emailId;
    this.#set.set(key, { threadId, mailboxId, emailId, set: { ...this.#set.get(key)?.set, ...set } });
  }

  /** After the emails of the page. Primary keys. */
  async save(tx: ProjectionTx): Promise<void> {
    await this.#saveRead([...this.#read.values()], tx);
    await this.#saveSet([...this.#set.values()], tx);
  }

  async #saveRead(read: readonly ThreadRead['data'][], tx: ProjectionTx): Promise<void> {
    if (read.length === 0) return;
    const [threads, mailboxes] = [read.map(({ threadId }) => threadId), read.map(({ mailboxId }) => mailboxId)];
    await tx.query(
      `insert into ${tx.schema}.read (thread_id, mailbox_id, up_to)
       select r.thread_id, r.mailbox_id, coalesce(e.position, '')
       from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as r (thread_id, mailbox_id, email_id)
       left join ${tx.schema}.email e on e.email_id = r.email_id and e.mailbox_id = r.mailbox_id and e.thread_id = r.thread_id
       where r.email_id is null or e.position is not null
       on conflict (thread_id, mailbox_id) do update set up_to = excluded.up_to`,
      [threads, mailboxes, read.map(({ upTo }) => upTo)],
    );
    await tx.query(
      `update ${tx.schema}.keywords k set keywords = k.keywords - '$seen' from unnest($1::uuid[], $2::uuid[]) as r (thread_id, mailbox_id)
       where k.thread_id = r.thread_id and k.mailbox_id = r.mailbox_id`,
      [threads, mailboxes],
    );
  }

  async #saveSet(set: readonly Marked[], tx: ProjectionTx): Promise<void> {
    if (set.length === 0) return;
    await tx.query(
      `insert into ${tx.schema}.keywords as k (thread_id, mailbox_id, email_id, keywords)
       select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::jsonb[])
       on conflict (thread_id, mailbox_id, email_id) do update set keywords = k.keywords || excluded.keywords`,
      [
        set.map(({ threadId }) => threadId),
        set.map(({ mailboxId }) => mailboxId),
        set.map(({ emailId }) => emailId),
        set.map((one) => JSON.stringify(one.set)),
      ],
    );
  }
}

const withoutSeen = ({ $seen: _seen, ...rest }: Keywords): Keywords => rest;
