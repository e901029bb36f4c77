/**
 * Schema `outbound`: calls to make, one row each until it is taken. A row names the place in the live feed that it tells of, not what it says:
 * that is read when it is sent, so nothing personal is kept here and what was erased meanwhile is not sent.
 */
import type { Pool } from 'pg';
import { applySteps } from '../postgres/schema-steps.ts';
import { inTransaction } from '../projector/session.ts';

const steps: readonly string[] = [
  `
  create table outbound.delivery (
    delivery_id uuid primary key,
    -- Whose turn it is: deliveries of one lane never wait for those of another.
    lane text collate "C" not null,
    -- Who is called: a webhook, a push subscription, a topic.
    target text collate "C" not null,
    -- What is told, and its id, the same for every target and at every attempt.
    told_id uuid not null,
    type text collate "C" not null,
    position text collate "C" not null,
    index integer not null,
    -- Those who should be told by a push; null for a live event.
    to_users uuid[],
    state text not null default 'waiting' check (state in ('waiting', 'dead')),
    attempts integer not null default 0,
    created_at timestamptz not null default clock_timestamp(),
    -- Since when attempts are made: creation, or a retry by hand.
    since timestamptz not null default clock_timestamp(),
    next_at timestamptz not null default clock_timestamp(),
    last_attempt_at timestamptz,
    last_error text
  );
  create index delivery_due on outbound.delivery (lane, next_at, position, index) where state = 'waiting';
  create index delivery_of_target on outbound.delivery (target, position, index, delivery_id);

  -- The key pair that push services know us by (RFC 8292), made once.
  create table outbound.vapid (
    one boolean primary key default true check (one),
    public_key text not null,
    private_key text not null,
    created_at timestamptz not null default clock_timestamp()
  );
  `,
];

/** Several processes may run it at once. */
export const migrateOutbound = (pool: Pool): Promise<void> => inTransaction(pool, (client) => applySteps(client, 'outbound', steps));
