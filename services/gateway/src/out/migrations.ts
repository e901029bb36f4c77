/** What the way out remembers of messages that wait for their time, and of mails on their way. Forward only. */
import { applySteps } from '@tidings/infra/postgres/schema-steps';
import { inTransaction } from '@tidings/infra/projector/session';
import type { Pool } from 'pg';

const steps: readonly string[] = [
  `
  create table gateway_out.due (
    message_id uuid not null,
    user_id uuid not null,
    room_id uuid not null,
    shard integer not null,
    policy text not null,
    due_at timestamptz not null,
    primary key (message_id, user_id)
  );
  create index due_next on gateway_out.due (shard, due_at);
  create index due_digest on gateway_out.due (user_id) where policy = 'digest';
  create table gateway_out.mailed (
    email_id uuid not null,
    message_id uuid not null,
    room_id uuid not null,
    user_id uuid not null,
    received_as uuid not null,
    under_way boolean not null default true,
    is_read boolean not null default false,
    mailbox_id uuid,
    thread_id uuid,
    primary key (email_id, message_id)
  );
  create index mailed_received on gateway_out.mailed (received_as);
  create index mailed_message on gateway_out.mailed (message_id) where under_way;
  create index mailed_unread on gateway_out.mailed (room_id, user_id) where not is_read or under_way;
  create index mailed_thread on gateway_out.mailed (thread_id) where not is_read;
  `,
  `
  create table gateway_out.arrived (
    mail_id uuid primary key,
    email_id uuid not null,
    message_id uuid,
    room_id uuid
  );
  create index arrived_email on gateway_out.arrived (email_id);
  create table gateway_out.arrived_in (
    email_id uuid not null,
    mailbox_id uuid not null,
    thread_id uuid not null,
    primary key (email_id, mailbox_id)
  );
  `,
];

/** Several processes may run it at once. */
export const migrateGatewayOut = (pool: Pool): Promise<void> => inTransaction(pool, (client) => applySteps(client, 'gateway_out', steps));
