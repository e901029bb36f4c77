/** The tables of a feed. Positions are text that sorts as the log does, whatever its adapter (contracts/src/ports/event-log.ts). */

export const tables = (schema: string): string => `
  -- What was told to whom. The primary key is the order of the feed; the hub of each process reads along it.
  -- Rows of type MemberAdded and MemberRemoved are for the hub alone: they say when an audience changed, payload is the user id.
  -- Audiences blocked-by:<user> hold those whom the user blocks.
  -- message_id is of those that give a message's wording, amended_at the position of the edit that this wording is from.
  create table ${schema}.entry (
    position text collate "C" not null,
    index int not null,
    audience text collate "C" not null,
    type text collate "C" not null,
    payload text not null,
    recorded_at timestamptz not null,
    message_id uuid,
    amended_at text collate "C",
    primary key (position, index)
  );
  -- In a replay too: edits and deletions find what was told before them.
  create index entry_of_message on ${schema}.entry (message_id) where message_id is not null;

  -- Who belonged to an audience, between two positions and excluding both: who joins or leaves learns of it by an entry of their own.
  create table ${schema}.interval (
    audience text collate "C" not null,
    user_id uuid not null,
    from_position text collate "C" not null,
    to_position text collate "C",
    joined_at timestamptz not null,
    primary key (audience, user_id, from_position)
  );

  -- The first entry of each minute: from where on to read for whoever gives a time.
  create table ${schema}.minute (
    at timestamptz primary key,
    position text collate "C" not null
  );

  -- Facts that entries are rendered from, as of the last event applied.
  create table ${schema}.person (
    user_id uuid primary key,
    name text not null,
    description text,
    picture text,
    role text not null,
    friends int not null
  );
  create table ${schema}.friendship (
    pair text collate "C" primary key,
    friends boolean not null
  );
  create table ${schema}.room (
    room_id uuid primary key,
    type text not null,
    name text,
    named_by uuid not null,
    created_by uuid not null,
    image text,
    created_at timestamptz not null,
    first_members uuid[] not null,
    last_seq int not null
  );

  -- Who gave a room its name, and from where on: what they called it is erased with them.
  create table ${schema}.naming (
    room_id uuid not null,
    position text collate "C" not null,
    by uuid not null,
    primary key (room_id, position)
  );

  -- Entries up to this position are no longer kept; one row. kept_since is the day (UTC) from which on all are.
  create table ${schema}.horizon (
    one boolean primary key default true check (one),
    position text collate "C" not null,
    kept_since timestamptz not null
  );
`;

/** For the readers only. */
export const indexes = (schema: string): string => `
  create index entry_of_audience on ${schema}.entry (audience, position, index);
  create index interval_of_user on ${schema}.interval (user_id);
`;
