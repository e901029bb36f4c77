/**
 * Step 2 of schema `log`: what moving the log takes (docs/decisions/058). Whether this log is the one in use stands in its head rows, which every append
 * updates under their lock: so a hold or the end of this log has an exact place among the appends, for all processes at once.
 */
export const movingTables = `
alter table log.shard_head
  add column state text not null default 'open' check (state in ('open', 'receiving', 'moved')),
  add column moved_to text, -- where the log is now; of 'moved'
  add column moved_at timestamptz,
  add column held_until timestamptz not null default '-infinity', -- appends are refused so long
  add column copied bigint not null default 0, -- events that came by copying since it began to receive
  add column gaps_below bigint not null default 0, -- up to here positions are those of another log, and may have gaps
  add column events_below bigint not null default 0; -- how many events stand up to there

create function log.refuse_append() returns trigger language plpgsql as $$
begin
  if old.state = 'open' then
    raise exception 'the log is being moved: appends are held' using errcode = 'TL001';
  end if;
  raise exception 'this log is not in use: it is %', old.state using errcode = 'TL002';
end $$;
-- Copying counts what it writes, appending does not.
create trigger only_in_use before update of position on log.shard_head for each row
  when (new.position <> old.position and new.copied = old.copied and (old.state <> 'open' or old.held_until > clock_timestamp()))
  execute function log.refuse_append();

-- One move at a time; the cursor is a position, the same in both logs.
create table log.move (
  id bigint generated always as identity primary key,
  source text not null,
  target text not null,
  started_at timestamptz not null default now(),
  cursor text collate "C" not null,
  events bigint not null default 0,
  finished_at timestamptz
);
create unique index on log.move ((finished_at is null)) where finished_at is null;

-- Of the move that is under way, or was last: what each stream is in the source, and as it is read back from the target.
create table log.moved_stream (
  stream_id text collate "C" primary key,
  source_events bigint not null,
  source_checksum bytea not null,
  target_events bigint not null,
  target_checksum bytea not null
);
`;

/** Copies events to their own positions; those up to the head are there already and are left out. @returns where the head is */
export const copyBatch = `
create function log.copy_batch(
  p_shard int, p_positions bigint[], p_streams text, p_revisions bigint[], p_ids uuid[], p_types text, p_versions int[], p_recorded_at timestamptz[],
  p_datas text, p_metas text
) returns bigint language plpgsql as $$
declare
  h bigint;
begin
  select position into h from log.shard_head where shard = p_shard and state = 'receiving' for update;
  if h is null then
    raise exception 'this log does not receive another one' using errcode = 'TL002';
  end if;
  with asked as materialized (
    select * from rows from (unnest(p_positions), string_to_table(p_streams, E'\\n'), unnest(p_revisions), unnest(p_ids),
                             string_to_table(p_types, E'\\n'), unnest(p_versions), unnest(p_recorded_at),
                             string_to_table(p_datas, E'\\n'), string_to_table(p_metas, E'\\n'))
             as e(position, stream_id, revision, event_id, type, version, recorded_at, data, meta)
     where position > h
  ),
  events as (
    insert into log.event (shard, position, stream_id, revision, event_id, type, version, recorded_at, data, meta)
    select p_shard, position, stream_id, revision, event_id, type, version, recorded_at, data::json, meta::json from asked
  ),
  streams as (
    insert into log.stream as s (stream_id, shard, revision, first_position, last_position)
    select stream_id, p_shard, max(revision), min(position), max(position) from asked group by stream_id
    on conflict (stream_id) do update set revision = excluded.revision, last_position = excluded.last_position
  )
  update log.shard_head set (position, recorded_at, copied) =
         (select max(position), max(recorded_at), shard_head.copied + count(*) from asked)
   where shard = p_shard and exists (select from asked);
  return (select position from log.shard_head where shard = p_shard);
end $$;
`;

/**
 * Lets the last partition end at the head: positions of another log needed a wide one, and new events shall find partitions of the usual size. Only for
 * a log that nobody uses: the partition is away meanwhile.
 */
export const endPartition = `
create function log.end_partition(p_shard int, usual bigint) returns void language plpgsql as $$
declare
  h bigint := (select position from log.shard_head where shard = p_shard);
  leaf log.partition;
begin
  select * into leaf from log.partition p where p.lower <= h and p.upper > h + 1 and p.upper - p.lower > usual
     and not exists (select from log.partition q where q.lower > p.lower);
  if leaf.name is null then
    return;
  end if;
  execute format('alter table log.event detach partition log.%I', leaf.name);
  execute format('alter table log.%I drop constraint within', leaf.name);
  execute format('alter table log.%I add constraint within check (position >= %s and position < %s)', leaf.name, leaf.lower, h + 1);
  execute format('alter table log.event attach partition log.%I for values from (%s) to (%s)', leaf.name, leaf.lower, h + 1);
  update log.partition set upper = h + 1 where lower = leaf.lower;
end $$;
`;
