/** What readers ask about rooms. */
import { nullable, oneOf } from '@tidings/contracts/codec';
import { RoomRole, RoomType } from '@tidings/contracts/events/room';
import { BlobId, RoomId, UserId } from '@tidings/contracts/ids';
import { rows } from '@tidings/contracts/sql-rows';
import { Timestamp } from '@tidings/contracts/time';
import * as t from 'io-ts';
import { sql } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';
import type { PreviewParts } from '../chat-view/index.ts';

const PreviewRow: t.Type<PreviewParts, unknown> = t.union([
  t.type({ type: t.literal('Text'), senderId: UserId, text: t.string }),
  t.type({ type: t.literal('Media'), senderId: UserId, media_type: t.string }),
  t.type({ type: t.literal('Reply'), senderId: UserId, reply_text: t.string }),
  t.type({ type: t.literal('RoomChange'), senderId: UserId, room_change_type: oneOf('JOIN', 'LEAVE') }),
]);

const JoinedRoom = t.readonly(
  t.type({
    id: RoomId,
    roomType: RoomType,
    name: nullable(t.string),
    image: nullable(BlobId),
    createdAt: Timestamp,
    latestAt: nullable(Timestamp),
    preview: nullable(PreviewRow),
    lastSeq: t.number,
    joinedAt: Timestamp,
    joinedSeq: t.number,
    /** The other one of a private room. */
    otherId: nullable(UserId),
    /** What the list is ordered by: `latestMessage` as this member sees it. */
    sortAt: Timestamp,
  }),
);
export type JoinedRoom = t.TypeOf<typeof JoinedRoom>;

/** What the list is ordered by. Only who came back to a private room may have to ask how many entries it has. */
const sortAt = (schema: string) => sql.fragment`
  case when r.room_type = 'Single' and (
    case when m.joined_seq = 0 then r.latest_at is null
      else (select c.seq from ${tableIn(schema, 'room_counter')} c where c.room_id = m.room_id) <= m.joined_seq end
  ) then m.joined_at else coalesce(r.latest_at, r.created_at) end`;

/** Rooms that `user` is in, each by primary keys once the member index gave their ids. */
const joined = (schema: string, user: UserId) => sql.fragment`
  select r.room_id as id, r.room_type as "roomType", r.name, r.image, r.created_at as "createdAt", r.latest_at as "latestAt", r.preview,
    c.seq as "lastSeq", m.joined_at as "joinedAt", m.joined_seq as "joinedSeq",
    case when r.room_type = 'Single' then (
      select o.user_id from ${tableIn(schema, 'member')} o where o.room_id = r.room_id and o.user_id <> m.user_id
    ) end as "otherId",
    ${sortAt(schema)} as "sortAt"
  from ${tableIn(schema, 'member')} m
  join ${tableIn(schema, 'room')} r using (room_id)
  join ${tableIn(schema, 'room_counter')} c using (room_id)
  where m.user_id = ${user} and m.left_at is null`;

export interface RoomPage {
  /** The last one of the page before. */
  readonly after: { readonly at: Timestamp; readonly id: RoomId } | null;
  readonly limit: number;
}

/**
 * The latest first, ties by id. A message moves its room in the list of each member; to keep these lists in order would cost every message a write for
 * each of them, so a list is put in order when it is asked for, by as little of its rooms as that takes.
 */
export const roomsOf = (schema: string, user: UserId, page: RoomPage | null) => {
  if (page === null) return sql.type(rows<JoinedRoom>(JoinedRoom))`${joined(schema, user)} order by "sortAt" desc, id desc`;
  const { after, limit } = page;
  return sql.type(rows<JoinedRoom>(JoinedRoom))`
    ${joined(schema, user)} and m.room_id = any(array(
      select id from (
        select m.room_id as id, ${sortAt(schema)} as at from ${tableIn(schema, 'member')} m join ${tableIn(schema, 'room')} r using (room_id)
        where m.user_id = ${user} and m.left_at is null
      ) mine
      ${after === null ? sql.fragment`` : sql.fragment`where (at, id) < (${after.at}::timestamptz, ${after.id}::uuid)`}
      order by at desc, id desc limit ${limit}
    )) order by "sortAt" desc, id desc`;
};

/** One of `user`'s rooms; no row when they are not in it. */
export const roomOf = (schema: string, user: UserId, room: RoomId) =>
  sql.type(rows<JoinedRoom>(JoinedRoom))`${joined(schema, user)} and m.room_id = ${room}`;

const MemberOf = t.readonly(
  t.type({
    userId: UserId,
    joinedAt: Timestamp,
    visibleAfter: t.number,
    leftAt: nullable(Timestamp),
    role: RoomRole,
    roomType: RoomType,
    lastSeq: t.number,
    roomCreatedAt: Timestamp,
  }),
);
export type MemberOf = t.TypeOf<typeof MemberOf>;

/** Everyone who is or was in a room, in the order they joined. */
export const membersOf = (schema: string, room: RoomId) => sql.type(rows<MemberOf>(MemberOf))`
  select m.user_id as "userId", m.joined_at as "joinedAt", m.visible_after as "visibleAfter", m.left_at as "leftAt",
    coalesce(rank.role, 'member') as role, r.room_type as "roomType", r.created_at as "roomCreatedAt", c.seq as "lastSeq"
  from ${tableIn(schema, 'member')} m
  join ${tableIn(schema, 'room')} r using (room_id)
  join ${tableIn(schema, 'room_counter')} c using (room_id)
  left join ${tableIn(schema, 'role')} rank using (room_id, user_id)
  where m.room_id = ${room} order by m.joined_at, m.user_id`;

/** Those of `others` who are in a room together with `user` now. Primary key of member, index on its user. */
export const companions = (schema: string, user: UserId, others: readonly UserId[]) => sql.type(
  rows(t.type({ userId: UserId })),
)`select distinct other.user_id as "userId"
  from ${tableIn(schema, 'member')} own join ${tableIn(schema, 'member')} other using (room_id)
  where own.user_id = ${user} and own.left_at is null
    and other.user_id = any(${sql.array(others, 'uuid')}) and other.left_at is null`;

/** Whether `user` is in the room now. */
export const membership = (schema: string, room: RoomId, user: UserId) =>
  sql.type(
    rows(t.type({ joinedAt: Timestamp })),
  )`select joined_at as "joinedAt" from ${tableIn(schema, 'member')} where room_id = ${room} and user_id = ${user} and left_at is null`;
