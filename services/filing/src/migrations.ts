/** Filing's own memory of what each mailbox holds. Hashes only: the words stay in the sealed events. Forward only. */
import type { Pool } from 'pg';
import { inTransaction } from '@tidings/infra/projector/session';

const steps: readonly string[] = [
  `
  -- One row per email that a mailbox holds; \`seq\` is the order of filing.
  create table filing.held (
    mailbox_id uuid not null,
    email_id uuid not null,
    seq bigint generated always as identity,
    thread_id uuid not null,
    message_id bytea,
    content_hash bytea,
    base_subject bytea not null,
    primary key (mailbox_id, email_id)
  );
  create index held_message_id on filing.held (mailbox_id, message_id) where message_id is not null;

  -- Which message ids an email names, so that an original that comes late finds its replies.
  create table filing.naming (
    mailbox_id uuid not null,
    names bytea not null,
    email_id uuid not null,
    in_reply_to boolean not null,
    primary key (mailbox_id, names, email_id)
  );

  -- Mail that could not be filed for a reason that trying again does not change; an operator looks at these.
  create table filing.set_aside (
    mailbox_id uuid not null,
    email_id uuid not null,
    error text not null,
    at timestamptz not null default now(),
    primary key (mailbox_id, email_id)
  );
  `,
];

/** Several processes may run it at once. */
export const migrateFiling = (pool: Pool): Promise<void> =>
  inTransaction(pool, async (client) => {
    await client.query("select pg_advisory_xact_lock(hashtext('tidings.filing.migration'))");
    await client.query('create schema if not exists filing');
    await client.query(
      'create table if not exists filing.migration (step integer primary key, applied_at timestamptz not null default now())',
    );
    const { rows } = await client.query<{ step: number }>('select coalesce(max(step), 0)::integer as step from filing.migration');
    const done = rows[0]?.step ?? 0;
    for (const [at, sql] of steps.entries()) {
      if (at < done) continue;
      await client.query(sql);
      await client.query('insert into filing.migration (step) values ($1)', [at + 1]);
    }
  });
