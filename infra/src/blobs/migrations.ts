/** Tables of the Postgres blob store. Forward only: add steps, never change one that was released. */
import type { Pool } from 'pg';
import { applySteps } from '../postgres/schema-steps.ts';

const steps: readonly string[] = [
  `
  -- A small value lies in \`data\`; a large one in the chunks of \`upload\`.
  create table blob.blob (
    id bytea primary key check (octet_length(id) = 32),
    size bigint not null,
    packing smallint not null,
    data bytea,
    upload uuid,
    stored_at timestamptz not null default now(),
    check ((data is null) <> (upload is null))
  );
  -- The bytes are packed already: Postgres need not try again.
  alter table blob.blob alter column data set storage external;

  -- Uploads that have not become a blob yet; what a crash leaves is swept a day later.
  create table blob.upload (id uuid primary key, started_at timestamptz not null default now());

  create table blob.chunk (
    upload uuid not null,
    seq integer not null,
    packing smallint not null,
    data bytea not null,
    primary key (upload, seq)
  );
  alter table blob.chunk alter column data set storage external;
  `,
  `
  -- What is being removed: still readable, but a put of the same bytes stores them anew (docs/decisions/024).
  create table blob.aside (like blob.blob including defaults including constraints including storage, primary key (id));
  `,
  `
  -- How it is kept (docs/decisions/034): the level of zstd that was tried (0: none), the key (0: none), and for a large value its own key, sealed
  -- with that one. What is older was packed with level 1 and is not sealed.
  alter table blob.blob
    add column level smallint not null default 1, add column key_id smallint not null default 0, add column sealed_key bytea;
  alter table blob.aside
    add column level smallint not null default 1, add column key_id smallint not null default 0, add column sealed_key bytea,
    add column aside_at timestamptz not null default now();
  create index blob_stored on blob.blob (stored_at, id);

  -- Keys that something may be sealed with, and how to tell that we hold the right one.
  create table blob.key (id smallint primary key, proof bytea not null);

  -- How far the collection of bytes that nobody keeps got in each of its lanes.
  create table blob.collected (lane text primary key, up_to text not null);
  `,
];

/** Brings the schema \`blob\` up to date and sweeps abandoned uploads. Several processes may run it at once. */
export const migrateBlobs = async (pool: Pool): Promise<void> => {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await applySteps(client, 'blob', steps);
    await client.query(
      `with stale as (delete from blob.upload where started_at < now() - interval '1 day' returning id)
       delete from blob.chunk using stale where chunk.upload = stale.id`,
    );
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
};
