/**
 * The log's tables and functions in Postgres (schema `log`), as numbered steps that only go forward. A released step is never edited:
 * add the next one.
 *
 * `data` and `meta` are `json`, not `jsonb`: kept as the bytes that were checked (jsonb refuses `\u0000` and lone surrogates, so one odd
 * header could fail a whole batch), and cheaper both ways. Nothing queries inside them. They are stored uncompressed (`external`): the
 * personal part is ciphertext, and a page can be measured without unpacking it.
 */
import { copyBatch, endPartition, movingTables } from './schema-moving.ts';

const tables = `
create table log.shard_head (
  shard smallint primary key,
  position bigint not null default 0,
  recorded_at timestamptz not null default '-infinity'
) with (fillfactor = 10);

create table log.stream (
  stream_id text collate "C" primary key,
  shard smallint not null,
  revision bigint not null,
  first_position bigint not null, -- the two positions let a stream read skip partitions
  last_position bigint not null
) with (fillfactor = 80);

create table log.event (
  shard smallint not null,
  position bigint not null,
  stream_id text collate "C" not null,
  revision bigint not null,
  event_id uuid not null,
  type text collate "C" not null,
  version smallint not null,
  recorded_at timestamptz not null,
  data json not null,
  meta json not null,
  primary key (shard, position)
) partition by range (position);
alter table log.event alter column data set storage external;

create table log.partition (
  lower bigint primary key,
  upper bigint not null, -- exclusive
  name text not null unique
);

create function log.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'the event log only grows: % on % is refused', tg_op, tg_table_name using errcode = 'restrict_violation';
end $$;
create trigger only_grows before update or delete on log.event for each row execute function log.refuse_change();
create trigger only_grows_truncate before truncate on log.event for each statement execute function log.refuse_change();
`;

/** Makes partitions until positions below `until` have one. Attaching takes no lock that appends or reads wait for. */
const partitions = `
create function log.add_partitions(until bigint, span bigint) returns bigint language plpgsql as $$
declare
  lo bigint;
  leaf text;
begin
  perform pg_advisory_xact_lock(hashtext('tidings log partitions'));
  select coalesce(max(p.upper), 1) into lo from log.partition p;
  while lo < until loop
    leaf := format('event_%s', lpad(lo::text, 16, '0'));
    execute format('create table log.%I (like log.event including defaults including storage)', leaf);
    execute format('alter table log.%I add primary key (shard, position)', leaf);
    execute format('create unique index on log.%I (stream_id, revision)', leaf);
    execute format('alter table log.%I add constraint within check (position >= %s and position < %s)', leaf, lo, lo + span);
    execute format('alter table log.event attach partition log.%I for values from (%s) to (%s)', leaf, lo, lo + span);
    execute format('create trigger only_grows_truncate before truncate on log.%I for each statement execute function log.refuse_change()', leaf);
    insert into log.partition values (lo, lo + span, leaf);
    lo := lo + span;
  end loop;
  return lo;
end $$;
`;

/**
 * Appends a batch of requests, at most one per stream, and says of each what became of it. One call is one transaction: the head row's
 * lock is taken here and ends with the commit, and no client ever holds it. Dense positions follow from that lock; so does
 * `recorded_at`, which never goes back within a shard.
 *
 * Lists of text come joined by newlines (names are plain and JSON has no raw newline): cheaper than array literals at both ends.
 * `expected`: null any, -1 none, -4 exists, n revision n. Verdicts: ok, duplicate, conflict, and moved (the stream lives in the shard
 * given as `revision`).
 */
const appendBatch = `
create function log.append_batch(
  p_shard smallint, p_streams text, p_expected bigint[], p_counts int[],
  p_ids uuid[], p_types text, p_versions smallint[], p_datas text, p_metas text
) returns table (request int, verdict text, revision bigint, "position" bigint, recorded_at timestamptz) language plpgsql as $$
#variable_conflict use_column
declare
  h bigint;
  t timestamptz;
begin
  select position, greatest(recorded_at, date_trunc('milliseconds', clock_timestamp())) into strict h, t
    from log.shard_head where shard = p_shard for update;
  return query with
  asked as (
    select q.i::int i, q.stream_id, q.expected, q.cnt, (sum(q.cnt) over (order by q.i) - q.cnt)::int off,
           s.shard, coalesce(s.revision, -1) cur, s.first_position fp, s.last_position lp
      from rows from (string_to_table(p_streams, E'\\n'), unnest(p_expected), unnest(p_counts))
           with ordinality q(stream_id, expected, cnt, i)
      left join lateral (select * from log.stream s where s.stream_id = q.stream_id limit 1) s on true -- limit keeps it an index probe
  ),
  judged as materialized (
    select a.*, case
        when a.shard <> p_shard then 'moved'
        when a.expected is null or a.expected = a.cur then 'ok'
        when a.expected = -4 and a.cur >= 0 then 'ok'
        when a.expected >= -1 and a.expected < a.cur and (
          select array_agg(e.event_id order by e.revision) from log.event e
           where e.stream_id = a.stream_id and e.revision between a.expected + 1 and a.expected + a.cnt
             and e.position between a.fp and a.lp) = p_ids[a.off + 1 : a.off + a.cnt] then 'duplicate'
        else 'conflict' end verdict
      from asked a
  ),
  ok as (
    select j.*, (h + sum(j.cnt) over (order by j.i) - j.cnt)::bigint base from judged j where j.verdict = 'ok'
  ),
  events as (
    insert into log.event (shard, position, stream_id, revision, event_id, type, version, recorded_at, data, meta)
    select p_shard, o.base + k, o.stream_id, o.cur + k, e.id, e.type, e.version, t, e.data::json, e.meta::json
      from ok o
      cross join lateral generate_series(1, o.cnt) k
      join rows from (unnest(p_ids), string_to_table(p_types, E'\\n'), unnest(p_versions), string_to_table(p_datas, E'\\n'),
                      string_to_table(p_metas, E'\\n')) with ordinality e(id, type, version, data, meta, n) on e.n = o.off + k
  ),
  streams as (
    insert into log.stream as s (stream_id, shard, revision, first_position, last_position)
    select o.stream_id, p_shard, o.cur + o.cnt, o.base + 1, o.base + o.cnt from ok o
    on conflict (stream_id) do update set revision = excluded.revision, last_position = excluded.last_position
      where s.shard = excluded.shard and s.revision = excluded.revision - (excluded.last_position - excluded.first_position + 1)
    returning 1
  ),
  head as (
    update log.shard_head set position = h + (select sum(cnt) from ok), recorded_at = t
     where shard = p_shard and exists (select from ok)
  ),
  counted as (select (select count(*) from ok) wanted, (select count(*) from streams) written)
  select j.i, j.verdict,
         case j.verdict when 'ok' then j.cur + j.cnt when 'duplicate' then j.expected + j.cnt when 'moved' then j.shard else j.cur end,
         case j.verdict when 'ok' then o.base + o.cnt when 'duplicate' then (
           select e.position from log.event e
            where e.stream_id = j.stream_id and e.revision = j.expected + j.cnt and e.position between j.fp and j.lp) end,
         case j.verdict when 'ok' then t when 'duplicate' then (
           select e.recorded_at from log.event e
            where e.stream_id = j.stream_id and e.revision = j.expected + j.cnt and e.position between j.fp and j.lp) end
    from judged j
    cross join counted c
    left join ok o on o.i = j.i
   where c.wanted = c.written or log.refuse_batch() -- two processes that disagree on a new stream's shard: nobody wins, both ask again
   order by j.i;
end $$;
`;

const refuseBatch = `
create function log.refuse_batch() returns boolean language plpgsql as $$
begin
  raise exception 'a stream of this batch changed under it' using errcode = 'serialization_failure';
end $$;
`;

/** In order; the index plus one is the number. */
export const migrations: readonly string[] = [
  [tables, partitions, refuseBatch, appendBatch].join('\n'),
  [movingTables, copyBatch, endPartition].join('\n'),
];
