/** How the feed is read: along its order by the hub of a process, by audience for one user who resumes. */
import { nullable } from '@tidings/contracts/codec';
import { WHOLE_POSITION, type LiveCursor } from '@tidings/contracts/http/live';
import { UserId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import { rows } from '@tidings/contracts/sql-rows';
import { Timestamp } from '@tidings/contracts/time';
import * as t from 'io-ts';
import { sql, type IdentifierSqlToken } from 'slonik';
import { BLOCKED_BY, MEMBER_ADDED, MEMBER_REMOVED } from './rows.ts';

/** Positions in our own tables were checked when they were written. */
const PositionText = t.string as unknown as t.Type<Position, string>;

const FeedRow = t.readonly(
  t.type({
    ...{ position: PositionText, index: t.number, audience: t.string, type: t.string, payload: t.string, recordedAt: Timestamp },
    /** Who was to be told of it and had left before its text got its present wording, which they may not read (amend.ts). */
    leftBefore: t.readonlyArray(UserId),
    /** Who blocked its author when its text got its present wording, which they may not read either. */
    blockedBefore: t.readonlyArray(UserId),
  }),
);
export type FeedRow = t.TypeOf<typeof FeedRow>;

const Entry = t.readonly(
  t.type({
    ...{ ask: t.number, position: PositionText, index: t.number, type: t.string, payload: t.string },
    blocked: t.readonlyArray(UserId),
    outlived: t.boolean,
  }),
);
export type FeedEntry = t.TypeOf<typeof Entry>;

const Membership = t.readonly(t.type({ ask: t.number, audience: t.string, blocked: nullable(UserId) }));
const Place = t.readonly(t.type({ position: PositionText, index: t.number }));

/** `schema` comes quoted from `LiveSchema`. */
const table = (schema: string, name: string): IdentifierSqlToken =>
  sql.identifier([schema.replace(/^"(.*)"$/, '$1').replaceAll('""', '"'), name]);

/** Who wrote what `entry` tells, which is a message's wording. As `json`, which does not look into the texts. */
const AUTHOR = sql.fragment`coalesce(entry.payload::json #>> '{message,senderId}', entry.payload::json ->> 'senderId')::uuid`;

/**
 * The columns of `FeedRow`; whom a rewritten row is to be kept from is looked up for such rows alone, by the key of `interval` and its index
 * `interval_of_user`.
 */
const feedRow = (schema: string) => sql.fragment`
  entry.position, entry.index, entry.audience, entry.type, entry.payload, entry.recorded_at as "recordedAt",
  case when entry.amended_at is null then '{}' else array(
    select interval.user_id from ${table(schema, 'interval')} as interval
    where interval.audience = entry.audience and interval.from_position < entry.position
      and interval.to_position > entry.position and interval.to_position <= entry.amended_at
  ) end as "leftBefore",
  case when entry.amended_at is null then '{}' else array(
    select substr(interval.audience, ${BLOCKED_BY.length + 1})::uuid from ${table(schema, 'interval')} as interval
    where interval.user_id = ${AUTHOR} and starts_with(interval.audience, ${BLOCKED_BY})
      and interval.from_position < entry.amended_at and (interval.to_position is null or interval.to_position > entry.amended_at)
  ) end as "blockedBefore"`;

/** Rows of all audiences behind `after`, in order; membership rows among them. */
export const rowsAfter = (schema: string, after: LiveCursor, limit: number) => sql.prepared(`${schema} rows after`, rows(FeedRow))`
  select ${feedRow(schema)}
  from ${table(schema, 'entry')} as entry
  where (position, index) > (${after.position}, ${after.index})
  order by position, index
  limit ${limit}`;

export interface EntriesAsk {
  readonly user: UserId;
  readonly after: LiveCursor;
  readonly upTo: Position;
}

/**
 * What users may see, each behind their `after`, up to and including the position `upTo`: their own entries and those of each audience while they
 * belonged to it; `blocked` are those whom they blocked there (hidden.ts), `outlived`
 * says that the text was written after they had left, or while they blocked its author. Each audience gives at most `limit` from the index
 * `entry_of_audience`, so a long absence costs no more than a short one. `ask` counts the asks from 0; of each at most `limit`, in order.
 */
export const entriesForAll = (schema: string, asks: readonly EntriesAsk[], limit: number) => sql.type(rows(Entry))`
  select asked.ask::int as ask, page.*
  from unnest(
    ${sql.array(
      asks.map(({ user }) => user),
      'uuid',
    )},
    ${sql.array(
      asks.map(({ after }) => after.position),
      'text',
    )},
    ${sql.array(
      asks.map(({ after }) => after.index),
      'int4',
    )},
    ${sql.array(
      asks.map(({ upTo }) => upTo),
      'text',
    )},
    ${sql.array([...asks.keys()], 'int4')}
  ) as asked (user_id, position, index, up_to, ask)
  cross join lateral (
    with mine as (
      select audience, from_position, to_position
      from ${table(schema, 'interval')}
      where user_id = asked.user_id and (to_position is null or to_position > asked.position) and from_position < asked.up_to
      union all
      select 'user:' || asked.user_id::text, '', null
    ), blocks as materialized (
      select user_id, from_position, to_position
      from ${table(schema, 'interval')}
      where audience = ${BLOCKED_BY} || asked.user_id::text and (to_position is null or to_position > asked.position)
    )
    select found.position, found.index, found.type, found.payload, array(
      select user_id from blocks
      where blocks.from_position < found.position and (blocks.to_position is null or blocks.to_position > found.position)
    ) as blocked, found.amended_at is not null and (
      coalesce(found.amended_at >= mine.to_position, false) or exists (
        select from blocks
        where blocks.user_id = found.author
          and blocks.from_position < found.amended_at and (blocks.to_position is null or blocks.to_position > found.amended_at)
      )
    ) as outlived
    from mine
    cross join lateral (
      select entry.position, entry.index, entry.type, entry.payload, entry.amended_at,
        case when entry.amended_at is not null then ${AUTHOR} end as author
      from ${table(schema, 'entry')} as entry
      where entry.audience = mine.audience
        and (entry.position, entry.index) > (asked.position, asked.index)
        and entry.position > mine.from_position
        and entry.position < coalesce(mine.to_position, ${BEHIND_ALL})
        and entry.position <= asked.up_to
        and entry.type not in (${MEMBER_ADDED}, ${MEMBER_REMOVED})
      order by entry.position, entry.index
      limit ${limit}
    ) as found
    order by found.position, found.index
    limit ${limit}
  ) as page
  order by asked.ask, page.position, page.index`;

/** As `entriesForAll`, of one user. */
export const entriesFor = (schema: string, user: UserId, after: LiveCursor, upTo: Position, limit: number) =>
  entriesForAll(schema, [{ user, after, upTo }], limit);

/** Sorts behind every position (letters and digits). */
const BEHIND_ALL = '~';

export interface MembershipAsk {
  readonly user: UserId;
  readonly at: LiveCursor;
}

/**
 * The audiences each of these users belongs to at a place in the feed, and (`blocked`) whom they block there; `ask` counts them from 0. Who
 * joins at a position belongs from its end on, who leaves not from its start.
 */
export const membershipsAt = (schema: string, asks: readonly MembershipAsk[]) => sql.type(rows(Membership))`
  select asked.ask::int as ask, interval.audience, interval.blocked
  from unnest(
    ${sql.array(
      asks.map(({ user }) => user),
      'uuid',
    )},
    ${sql.array(
      asks.map(({ at }) => at.position),
      'text',
    )},
    ${sql.array(
      asks.map(({ at }) => at.index),
      'int4',
    )},
    ${sql.array([...asks.keys()], 'int4')}
  ) as asked (user_id, position, index, ask)
  cross join lateral (
    select audience, null as blocked, from_position, to_position
    from ${table(schema, 'interval')}
    where user_id = asked.user_id and not starts_with(audience, ${BLOCKED_BY})
    union all
    select audience, user_id as blocked, from_position, to_position
    from ${table(schema, 'interval')}
    where audience = ${BLOCKED_BY} || asked.user_id::text
  ) as interval
  where (interval.from_position < asked.position or (interval.from_position = asked.position and asked.index >= ${WHOLE_POSITION}))
    and (interval.to_position is null or interval.to_position > asked.position)`;

const Member = t.readonly(t.type({ ask: t.number, userId: UserId }));
/** A place as an audience saw it. */
export interface AudiencePlace {
  readonly audience: string;
  readonly position: Position;
}

/** Who belonged to these audiences (a user's own is not among them) as what stands there was told; `ask` counts them from 0. */
export const membersAt = (schema: string, asks: readonly AudiencePlace[]) => sql.type(rows(Member))`
  select asked.ask::int as ask, interval.user_id as "userId"
  from unnest(
    ${sql.array(
      asks.map(({ audience }) => audience),
      'text',
    )},
    ${sql.array(
      asks.map(({ position }) => position),
      'text',
    )},
    ${sql.array([...asks.keys()], 'int4')}
  ) as asked (audience, position, ask)
  join ${table(schema, 'interval')} as interval
    on interval.audience = asked.audience
    and interval.from_position < asked.position
    and (interval.to_position is null or interval.to_position > asked.position)
  order by asked.ask, interval.user_id`;

/** The rows at these places, as far as they are still kept. */
export const rowsAt = (schema: string, places: readonly LiveCursor[]) => sql.type(rows(FeedRow))`
  select ${feedRow(schema)}
  from ${table(schema, 'entry')} as entry
  where (position, index) in (select * from unnest(
    ${sql.array(
      places.map(({ position }) => position),
      'text',
    )},
    ${sql.array(
      places.map(({ index }) => index),
      'int4',
    )}))`;

/** Before all entries of this minute and later ones; null when there are none. */
export const firstSince = (schema: string, minute: Timestamp) => sql.type(rows(t.type({ position: nullable(PositionText) })))`
  select min(position) as position from ${table(schema, 'minute')} where at >= ${minute}`;

/** The newest row; nothing when the feed is empty. */
export const newest = (schema: string) => sql.prepared(`${schema} newest`, rows(Place))`
  select position, index from ${table(schema, 'entry')} order by position desc, index desc limit 1`;

/** Up to where entries are no longer kept; nothing when all are. */
export const horizon = (schema: string) => sql.type(rows(t.type({ position: PositionText })))`
  select position from ${table(schema, 'horizon')}`;
