/**
 * Schema `presence`: which users have a live stream open at which node. Unlogged, since after a crash of the database it is worth nothing: the
 * nodes tell it anew, and tickets that were spent have run out by then or soon will. A node's rows count as long as its own does, so that a heartbeat is one row, however many are connected.
 */
import type { Pool } from 'pg';
import { applySteps } from '../postgres/schema-steps.ts';
import { inTransaction } from '../projector/session.ts';

const steps: readonly string[] = [
  `
  create unlogged table presence.node (
    node text collate "C" primary key,
    expires_at timestamptz not null
  ) with (fillfactor = 50);

  create unlogged table presence.session (
    user_id uuid not null,
    node text collate "C" not null references presence.node on delete cascade,
    since timestamptz not null default clock_timestamp(),
    primary key (user_id, node)
  );
  create index session_of_node on presence.session (node);
  `,
  `
  create unlogged table presence.spent_ticket (
    ticket uuid primary key,
    expires_at timestamptz not null
  );
  create index spent_ticket_expires_at on presence.spent_ticket (expires_at);
  `,
  // Kept over a crash: nobody tells this anew.
  `
  create table presence.last_seen (
    user_id uuid primary key,
    at timestamptz not null
  ) with (fillfactor = 70);
  `,
];

/** Several processes may run it at once. */
export const migratePresence = (pool: Pool): Promise<void> => inTransaction(pool, (client) => applySteps(client, 'presence', steps));
