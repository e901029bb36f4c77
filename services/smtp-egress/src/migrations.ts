/** Egress' own memory of what is to be tried when. No addresses: those stay in the sealed events. All of it comes from the log. Forward only. */
import { applySteps } from '@tidings/infra/postgres/schema-steps';
import { inTransaction } from '@tidings/infra/projector/session';
import type { Pool } from 'pg';

const steps: readonly string[] = [
  `
  -- One row per recipient for whom something is still to happen.
  create table egress.recipient (
    email_id uuid not null,
    recipient integer not null,
    shard integer not null,
    mailbox_id uuid not null,
    domain text collate "C" not null,
    queued_at timestamptz not null,
    -- Null while it is being sent.
    due_at timestamptz,
    -- A limit or a setting of ours held it back.
    held boolean not null default false,
    -- Set while it is being sent.
    attempt_id uuid,
    lease_token text,
    primary key (email_id, recipient)
  );
  create index recipient_due on egress.recipient (shard, mailbox_id, domain, due_at, email_id, recipient) where due_at is not null;
  create index recipient_sending on egress.recipient (shard) where lease_token is not null;
  create index recipient_held on egress.recipient (shard) where held;

  -- What of a mailbox goes to one domain, and when the next of it is due: by these turns are given.
  create table egress.lane (
    shard integer not null,
    mailbox_id uuid not null,
    domain text collate "C" not null,
    next_at timestamptz not null,
    primary key (shard, mailbox_id, domain)
  );
  create index lane_next on egress.lane (shard, next_at);

  -- Recipients counted against limits, by window of time.
  create table egress.spent (
    whose text collate "C" not null,
    window_start timestamptz not null,
    recipients integer not null,
    primary key (whose, window_start)
  );
  `,
  `
  create table egress.dkim_key (
    domain text collate "C" not null,
    algorithm text collate "C" not null,
    selector text not null,
    -- As DNS is to say it.
    record text not null,
    -- The private half, encrypted with the domain's key.
    sealed bytea not null,
    primary key (domain, algorithm)
  );
  `,
  `
  -- MTA-STS policies of other domains (RFC 8461), for as long as they said.
  create table egress.sts_policy (
    domain text collate "C" primary key,
    id text not null,
    mode text not null check (mode in ('enforce', 'testing', 'none')),
    mx text[] not null,
    fetched_at timestamptz not null,
    expires_at timestamptz not null
  );
  create index sts_policy_expires on egress.sts_policy (expires_at);
  `,
  `
  -- How TLS went in sessions with other domains (RFC 8460), until it is reported.
  create table egress.tls_result (
    day date not null,
    domain text collate "C" not null,
    -- SHA-256 of the result, which may be too long for an index.
    way bytea not null,
    result json not null,
    sessions bigint not null,
    primary key (day, domain, way)
  );
  -- Reports that nobody has taken yet.
  create table egress.tls_report (
    report_id text not null,
    domain text collate "C" not null,
    day date not null,
    -- A URI.
    destination text not null,
    -- JSON, compressed by gzip.
    body bytea not null,
    next_at timestamptz not null,
    tried_until timestamptz not null,
    primary key (report_id, destination)
  );
  create index tls_report_next on egress.tls_report (next_at);
  `,
];

/** Several processes may run it at once. */
export const migrateEgress = (pool: Pool): Promise<void> => inTransaction(pool, (client) => applySteps(client, 'egress', steps));
