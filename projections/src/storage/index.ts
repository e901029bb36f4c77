/** How many bytes of mail each mailbox keeps, and each of its threads: every email counts whole in every mailbox that it is filed in. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { MailboxId, ThreadId } from '@tidings/contracts/ids';
import type { Projection, ProjectionTx } from '@tidings/contracts/projection';
import { type Removal, removalEvents, upToRemoval } from '../threads/removal.ts';

export * from './queries.ts';

const tables = (schema: string): string => `
  create table ${schema}.mailbox_size (
    mailbox_id uuid primary key,
    bytes bigint not null,
    emails int not null
  );
  create table ${schema}.thread_size (
    mailbox_id uuid not null,
    thread_id uuid not null,
    bytes bigint not null,
    emails int not null,
    primary key (mailbox_id, thread_id)
  );`;

const indexes = (schema: string): string => `create index on ${schema}.thread_size (mailbox_id, bytes desc, thread_id);`;

interface Size {
  readonly mailboxId: MailboxId;
  readonly threadId: ThreadId;
  readonly bytes: number;
  readonly emails: number;
}

const apply = async (page: readonly Recorded[], tx: ProjectionTx): Promise<void> => {
  for (const { events, removal } of upToRemoval(page)) {
    await applySizes(events, tx);
    if (removal !== null) await takeBack(removal, tx);
  }
};

/** Primary keys. */
const takeBack = async ({ mailboxId, threadId, some }: Removal, tx: ProjectionTx): Promise<void> => {
  if (some !== null) {
    const sizes = [mailboxId, threadId, some.bytes, some.emailIds.length];
    await tx.query(
      `with there as (
         update ${tx.schema}.thread_size set bytes = bytes - $3, emails = emails - $4 where mailbox_id = $1 and thread_id = $2 returning 1
       )
       update ${tx.schema}.mailbox_size set bytes = bytes - $3, emails = emails - $4 from there where mailbox_id = $1`,
      sizes,
    );
    return;
  }
  await tx.query(
    `with gone as (delete from ${tx.schema}.thread_size where mailbox_id = $1 and thread_id = $2 returning bytes, emails)
     update ${tx.schema}.mailbox_size s set bytes = s.bytes - gone.bytes, emails = s.emails - gone.emails from gone where s.mailbox_id = $1`,
    [mailboxId, threadId],
  );
};

const applySizes = async (page: readonly Recorded[], tx: ProjectionTx): Promise<void> => {
  const sizes = new Map<string, Size>();
  const closed: MailboxId[] = [];
  for (const event of page) {
    if (event.type === 'EmailFiled') {
      const { mailboxId, threadId, size } = event.data;
      const key = `${mailboxId} ${threadId}`;
      const before = sizes.get(key) ?? { bytes: 0, emails: 0 };
      sizes.set(key, { mailboxId, threadId, bytes: before.bytes + size, emails: before.emails + 1 });
    } else if (event.type === 'MailboxClosed') {
      closed.push(event.data.mailboxId);
    }
  }
  await add([...sizes.values()], tx);
  await forget(closed, tx);
};

export const storage: Projection = {
  name: 'storage',
  version: 1,
  unhurried: true,
  handles: ['EmailFiled', ...removalEvents, 'MailboxClosed'],
  tables,
  indexes,
  apply,
};

const add = async (sizes: readonly Size[], tx: ProjectionTx): Promise<void> => {
  if (sizes.length === 0) return;
  const values = [
    sizes.map((one) => one.mailboxId),
    sizes.map((one) => one.threadId),
    sizes.map((one) => one.bytes),
    sizes.map((one) => one.emails),
  ];
  await tx.query(
    `insert into ${tx.schema}.thread_size as s (mailbox_id, thread_id, bytes, emails)
     select * from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::int[])
     on conflict (mailbox_id, thread_id) do update set bytes = s.bytes + excluded.bytes, emails = s.emails + excluded.emails`,
    values,
  );
  await tx.query(
    `insert into ${tx.schema}.mailbox_size as s (mailbox_id, bytes, emails)
     select mailbox_id, sum(bytes), sum(emails)
     from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::int[]) as a (mailbox_id, thread_id, bytes, emails) group by mailbox_id
     on conflict (mailbox_id) do update set bytes = s.bytes + excluded.bytes, emails = s.emails + excluded.emails`,
    values,
  );
};

/** Primary keys. */
const forget = async (closed: readonly MailboxId[], tx: ProjectionTx): Promise<void> => {
  if (closed.length === 0) return;
  for (const table of ['mailbox_size', 'thread_size']) {
    await tx.query(`delete from ${tx.schema}.${table} where mailbox_id = any($1::uuid[])`, [closed]);
  }
};
