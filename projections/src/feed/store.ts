/** Writing a page: one statement for everything, so that a chat message costs the feed two round trips in all. */
import type { Position } from '@tidings/contracts/ports/event-log';
import type { ProjectionTx } from '@tidings/contracts/projection';
import { msOf, timestamp, type Timestamp } from '@tidings/contracts/time';
import type { Facts } from './facts.ts';
import { mailboxAudience, MEMBER_ADDED, MEMBER_REMOVED, type Row } from './rows.ts';
import type { Told } from './told.ts';

export interface PlacedRow extends Row {
  readonly position: Position;
  readonly index: number;
  readonly recordedAt: Timestamp;
  /** Where its text got its present wording, when that was later (amend.ts). */
  readonly amendedAt: Position | null;
}

export const store = async (rows: readonly PlacedRow[], facts: Facts, tx: ProjectionTx): Promise<void> => {
  const values: unknown[] = [];
  const column = (of: readonly unknown[]): string => `$${values.push(of)}`;
  const parts = [
    entries(rows, column, tx.schema),
    minutes(rows, column, tx.schema),
    rooms(facts, column, tx.schema),
    namings(facts, column, tx.schema),
    people(facts, column, tx.schema),
    friendships(facts, column, tx.schema),
    intervals(facts, column, tx.schema),
  ].filter((part) => part !== null);
  if (parts.length === 0) return;
  const named = parts.map((part, at) => `part_${at} as (${part})`);
  await tx.query(`with ${named.join(',\n')} select 1`, values);
};

/** Binds a column of values and gives its placeholder. */
type Column = (of: readonly unknown[]) => string;

const entries = (rows: readonly PlacedRow[], column: Column, schema: string): string | null =>
  rows.length === 0
    ? null
    : `insert into ${schema}.entry (position, index, audience, type, payload, recorded_at, message_id, amended_at)
       select * from unnest(
         ${column(rows.map((row) => row.position))}::text[], ${column(rows.map((row) => row.index))}::int[],
         ${column(rows.map((row) => row.audience))}::text[], ${column(rows.map((row) => row.type))}::text[],
         ${column(rows.map((row) => row.payload))}::text[], ${column(rows.map((row) => row.recordedAt))}::timestamptz[],
         ${column(rows.map((row) => row.messageId))}::uuid[], ${column(rows.map((row) => row.amendedAt))}::text[])`;

const MINUTE_MS = 60_000;
const minuteOf = (at: Timestamp): Timestamp => timestamp(Math.floor(msOf(at) / MINUTE_MS) * MINUTE_MS);

const minutes = (rows: readonly PlacedRow[], column: Column, schema: string): string | null => {
  if (rows.length === 0) return null;
  const first = new Map<Timestamp, Position>();
  for (const { recordedAt, position } of rows) if (!first.has(minuteOf(recordedAt))) first.set(minuteOf(recordedAt), position);
  return `insert into ${schema}.minute (at, position)
       select * from unnest(${column([...first.keys()])}::timestamptz[], ${column([...first.values()])}::text[])
       on conflict do nothing`;
};

const rooms = (facts: Facts, column: Column, schema: string): string | null => {
  const changed = [...facts.rooms.changed.values()];
  if (changed.length === 0) return null;
  return `insert into ${schema}.room as kept (room_id, type, name, named_by, created_by, image, created_at, first_members, last_seq)
       select id, type, name, named_by, created_by, image, created_at, first_members::uuid[], last_seq from unnest(
         ${column(changed.map((room) => room.id))}::uuid[], ${column(changed.map((room) => room.type))}::text[],
         ${column(changed.map((room) => room.name))}::text[], ${column(changed.map((room) => room.namedBy))}::uuid[],
         ${column(changed.map((room) => room.createdBy))}::uuid[],
         ${column(changed.map((room) => room.image))}::text[], ${column(changed.map((room) => room.createdAt))}::timestamptz[],
         ${column(changed.map((room) => `{${room.firstMembers.join(',')}}`))}::text[], ${column(changed.map((room) => room.lastSeq))}::int[])
         as changed (id, type, name, named_by, created_by, image, created_at, first_members, last_seq)
       on conflict (room_id) do update set
         name = excluded.name, named_by = excluded.named_by, image = excluded.image, last_seq = excluded.last_seq`;
};

const namings = ({ namings: given }: Facts, column: Column, schema: string): string | null =>
  given.length === 0
    ? null
    : `insert into ${schema}.naming (room_id, position, by) select * from unnest(
         ${column(given.map((one) => one.roomId))}::uuid[], ${column(given.map((one) => one.position))}::text[],
         ${column(given.map((one) => one.by))}::uuid[])`;

const people = (facts: Facts, column: Column, schema: string): string | null => {
  const changed = [...facts.people.changed.values()];
  if (changed.length === 0) return null;
  return `insert into ${schema}.person as kept (user_id, name, description, picture, role, friends)
       select * from unnest(
         ${column(changed.map((person) => person.id))}::uuid[], ${column(changed.map((person) => person.displayName))}::text[],
         ${column(changed.map((person) => person.description))}::text[], ${column(changed.map((person) => person.profilePicture))}::text[],
         ${column(changed.map((person) => person.role))}::text[],
         ${column(changed.map((person) => person.friendsCount))}::int[])
       on conflict (user_id) do update set
         name = excluded.name, description = excluded.description, picture = excluded.picture, role = excluded.role, friends = excluded.friends`;
};

const friendships = (facts: Facts, column: Column, schema: string): string | null => {
  const changed = [...facts.friendships.changed];
  if (changed.length === 0) return null;
  return `insert into ${schema}.friendship (pair, friends)
       select * from unnest(${column(changed.map(([pair]) => pair))}::text[], ${column(changed.map(([, friends]) => friends))}::boolean[])
       on conflict (pair) do update set friends = excluded.friends`;
};

const intervals = (facts: Facts, column: Column, schema: string): string | null => {
  const changed = [...facts.intervals.values()];
  if (changed.length === 0) return null;
  return `insert into ${schema}.interval (audience, user_id, from_position, to_position, joined_at)
       select * from unnest(
         ${column(changed.map((one) => one.audience))}::text[], ${column(changed.map((one) => one.userId))}::uuid[],
         ${column(changed.map((one) => one.from))}::text[], ${column(changed.map((one) => one.to))}::text[],
         ${column(changed.map((one) => one.joinedAt))}::timestamptz[])
       on conflict (audience, user_id, from_position) do update set to_position = excluded.to_position`;
};

const DAY_MS = 86_400_000;
/** How long a client may be away and still resume without loading afresh. */
export const KEPT_DAYS = 30;

/**
 * Lets go of entries older than `KEPT_DAYS`, once per day of the log's own time: what is kept depends on the events alone, never on when
 * or in which pages they were applied.
 */
export const forget = async (now: Timestamp, keptSince: Timestamp | null, tx: ProjectionTx): Promise<void> => {
  const since = timestamp(Math.floor(msOf(now) / DAY_MS) * DAY_MS - KEPT_DAYS * DAY_MS);
  if (keptSince !== null && since <= keptSince) return;
  await tx.query(
    `with gone as (
       delete from ${tx.schema}.entry where recorded_at < $1::timestamptz returning position
     ), past as (
       delete from ${tx.schema}.minute where at < $1::timestamptz
     ), ended as (
       delete from ${tx.schema}.interval where to_position <= (select max(position) from gone)
     )
     insert into ${tx.schema}.horizon as kept (position, kept_since)
     select coalesce(max(position), ''), $1::timestamptz from gone
     on conflict (one) do update set
       kept_since = excluded.kept_since,
       position = greatest(kept.position, excluded.position)`,
    [since],
  );
};

/** Of a mailbox that was closed nothing is told any more, to whoever was a member either. Rare enough to look through all that is kept. */
export const forgetMailboxes = async (page: readonly Told[], tx: ProjectionTx): Promise<void> => {
  const closed = page.flatMap((event) => (event.type === 'MailboxClosed' ? [mailboxAudience(event.data.mailboxId)] : []));
  if (closed.length === 0) return;
  await tx.query(
    `delete from ${tx.schema}.entry where audience = any($1::text[]) and type not in ('${MEMBER_ADDED}', '${MEMBER_REMOVED}')`,
    [closed],
  );
};
