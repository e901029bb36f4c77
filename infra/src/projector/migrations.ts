/** The runtime's own tables: instances of projections, leases, checkpoints, parked streams, status, workers. Migrations only go forward. */
import type { Pool } from 'pg';
import { applySteps } from '../postgres/schema-steps.ts';
import { inTransaction } from './session.ts';

/** SQLSTATE raised by `projection.advance` when the caller is no longer the owner, or not where it believes to be. */
export const FENCED_SQLSTATE = 'TD001';

const migrations: readonly string[] = [
  `
  create table projection.instance (
    schema_name text collate "C" primary key,
    name text collate "C" not null,
    version integer not null,
    generation integer not null,
    state text not null check (state in ('building', 'verifying', 'ready', 'live', 'draining', 'retired')),
    created_at timestamptz not null default clock_timestamp(),
    state_at timestamptz not null default clock_timestamp(),
    live_at timestamptz,
    tables_at timestamptz,
    indexes_at timestamptz,
    error text,
    verification jsonb,
    unique (name, version, generation)
  );
  create unique index instance_one_live on projection.instance (name) where state = 'live';

  create table projection.lease (
    name text collate "C" not null,
    shard integer not null,
    owner text not null,
    token bigint not null,
    expires_at timestamptz not null,
    primary key (name, shard)
  ) with (fillfactor = 50);

  -- Its row is updated by every page: room for HOT updates keeps it one page big.
  create table projection.checkpoint (
    name text collate "C" not null,
    shard integer not null,
    position text collate "C" not null,
    lease_token bigint not null,
    updated_at timestamptz not null default clock_timestamp(),
    primary key (name, shard)
  ) with (fillfactor = 10);

  create table projection.parked (
    name text collate "C" not null,
    shard integer not null,
    stream_id text collate "C" not null,
    from_revision bigint not null,
    from_position text collate "C" not null,
    error text not null,
    attempts integer not null,
    parked_at timestamptz not null default clock_timestamp(),
    unpark_requested_at timestamptz,
    primary key (name, stream_id)
  );

  create table projection.status (
    name text collate "C" not null,
    shard integer not null,
    owner text not null,
    state text not null,
    waiting_on text,
    position text collate "C" not null,
    head text collate "C" not null,
    done bigint,
    total bigint,
    rate double precision not null,
    last_progress_at timestamptz,
    updated_at timestamptz not null default clock_timestamp(),
    primary key (name, shard)
  ) with (fillfactor = 50);

  create function projection.advance(p_name text, p_shard integer, p_token bigint, p_from text, p_to text) returns void
  language plpgsql as $$
  begin
    update projection.checkpoint set position = p_to, updated_at = clock_timestamp()
    where name = p_name and shard = p_shard and lease_token = p_token and position = p_from;
    if not found then
      raise exception 'checkpoint of % (shard %) is not at % under token %', p_name, p_shard, p_from, p_token
        using errcode = '${FENCED_SQLSTATE}';
    end if;
  end $$;
  `,
  `
  -- The processes that project, which share the leases (sharing.ts).
  create table projection.worker (
    owner text primary key,
    instances text[] not null,
    expires_at timestamptz not null
  ) with (fillfactor = 50);
  `,
];

/** Brings schema `projection` up to date; safe to call from several processes at once. */
export const migrateProjector = (pool: Pool): Promise<void> =>
  inTransaction(pool, (client) => applySteps(client, 'projection', migrations));
