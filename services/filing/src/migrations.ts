/** Filing's own memory of what each mailbox holds. Hashes only: the words stay in the sealed events. Forward only. */
import type { Pool } from 'pg';
import { applySteps } from '@tidings/infra/postgres/schema-steps';
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
  `
  -- Mail that waits for a checker which does not answer, by when it is asked again.
  create table filing.pending (
    mailbox_id uuid not null,
    email_id uuid not null,
    shard integer not null,
    received_at timestamptz not null,
    step text not null,
    reason text not null,
    attempts integer not null default 0,
    next_at timestamptz not null,
    primary key (mailbox_id, email_id)
  );
  create index pending_next on filing.pending (shard, next_at);
  `,
  `
  -- By whom it is tried again.
  alter table filing.set_aside add column shard integer not null default 0;
  `,
];

/** Several processes may run it at once. */
export const migrateFiling = (pool: Pool): Promise<void> => inTransaction(pool, (client) => applySteps(client, 'filing', steps));
