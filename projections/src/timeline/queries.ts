/** What readers ask the timeline. Every page is a range of the primary key (room_id, seq). */
import { nullable } from '@tidings/contracts/codec';
import { RoomType } from '@tidings/contracts/events/room';
import { MsgBody, MsgType, ReactionCount } from '@tidings/contracts/http/chat-objects';
import { MessageId, RoomId, UserId } from '@tidings/contracts/ids';
import { rows } from '@tidings/contracts/sql-rows';
import { Timestamp } from '@tidings/contracts/time';
import * as t from 'io-ts';
import { sql, type FragmentSqlToken } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';
import type { Entry } from '../chat-view/index.ts';

const EntryRow = t.readonly(
  t.type({
    roomId: RoomId,
    seq: t.number,
    messageId: MessageId,
    senderId: UserId,
    createdAt: Timestamp,
    msgType: MsgType,
    erased: t.boolean,
    msgBody: MsgBody,
    mentions: t.readonlyArray(UserId),
    threadId: nullable(MessageId),
    editedAt: nullable(Timestamp),
    deleted: t.boolean,
    reactions: nullable(t.readonlyArray(ReactionCount)),
    replyCount: t.number,
    lastReplyAt: nullable(Timestamp),
    pinned: t.boolean,
  }),
);
/** Rows are entries: the codec must not drift from what `messageView` takes. */
const entryRows = rows<Entry>(EntryRow);

/** Of entries `e` and what became of them, `a`. */
const columns = sql.fragment`e.room_id as "roomId", e.seq, e.message_id as "messageId", e.sender_id as "senderId",
  e.created_at as "createdAt", e.msg_type as "msgType", e.erased, coalesce(a.body, e.body) as "msgBody",
  coalesce(a.mentions, e.mentions) as mentions, e.thread_id as "threadId", a.edited_at as "editedAt", coalesce(a.deleted, false) as deleted,
  a.reactions, coalesce(a.reply_count, 0) as "replyCount", a.last_reply_at as "lastReplyAt", a.pinned_at is not null as pinned`;

/** Each entry finds its amendments by their primary key. */
const entries = (schema: string) =>
  sql.fragment`${tableIn(schema, 'entry')} e left join ${tableIn(schema, 'amended')} a using (message_id)`;

/** From which entry on `user` may read, and in what room; no row for those who are not in it. Primary keys. */
export const viewer = (schema: string, room: RoomId, user: UserId) => sql.type(
  rows(t.type({ visibleAfter: t.number, roomType: RoomType })),
)`select m.visible_after as "visibleAfter", c.room_type as "roomType"
  from ${tableIn(schema, 'member')} m join ${tableIn(schema, 'room_counter')} c using (room_id)
  where m.room_id = ${room} and m.user_id = ${user} and m.left_at is null`;

/** Where a page begins. */
export type PageStart =
  | { readonly type: 'newest' }
  | { readonly type: 'before'; readonly seq: number }
  | { readonly type: 'after'; readonly seq: number }
  | { readonly type: 'earlierThan'; readonly at: Timestamp };

/** Up to `limit` entries behind `visibleAfter`, newest first; the ones nearest to the start of the page. */
export const page = (schema: string, room: RoomId, visibleAfter: number, start: PageStart, limit: number) => {
  const from = entries(schema);
  const visible = sql.fragment`e.room_id = ${room} and e.seq > ${visibleAfter}`;
  const newestFirst = (condition: FragmentSqlToken) =>
    sql.type(entryRows)`select ${columns} from ${from} where ${visible} ${condition} order by e.seq desc limit ${limit}`;
  switch (start.type) {
    case 'newest':
      return newestFirst(sql.fragment``);
    case 'before':
      return newestFirst(sql.fragment`and e.seq < ${start.seq}`);
    case 'after':
      return sql.type(entryRows)`select * from (
        select ${columns} from ${from} where ${visible} and e.seq > ${start.seq} order by e.seq limit ${limit}
      ) nearest order by seq desc`;
    case 'earlierThan':
      // With ties: a client that goes on with the last entry's time must not lose others of that very millisecond (W4).
      // Index (room_id, created_at desc).
      return sql.type(entryRows)`select * from (
        select ${columns} from ${from} where ${visible} and e.created_at < ${start.at}::timestamptz
        order by e.created_at desc fetch first ${limit} rows with ties
      ) nearest order by seq desc`;
  }
};

/** Entries by their ids, whatever their rooms. Unique index on message_id. */
export const entriesById = (schema: string, ids: readonly MessageId[]) =>
  sql.type(entryRows)`select ${columns} from ${entries(schema)} where e.message_id = any(${sql.array(ids, 'uuid')})`;

/** The last entry of a room; no row when nothing was said yet. */
export const latestEntry = (schema: string, room: RoomId) =>
  sql.type(
    rows(t.type({ seq: t.number, messageId: MessageId })),
  )`select seq, message_id as "messageId" from ${tableIn(schema, 'entry')} where room_id = ${room} order by seq desc limit 1`;

/** Up to `limit` replies in a thread that the reader may see, newest first; those before `before` if that is given. Index (thread_id, seq). */
export const threadPage = (schema: string, root: MessageId, visibleAfter: number, before: number | null, limit: number) => sql.type(
  entryRows,
)`select ${columns} from ${entries(schema)}
  where e.thread_id = ${root} and e.seq > ${visibleAfter} ${before === null ? sql.fragment`` : sql.fragment`and e.seq < ${before}`}
  order by e.seq desc limit ${limit}`;

/** The pins of a room that the reader may see, the last one first. Index (room_id, pinned_at). */
export const pinnedEntries = (schema: string, room: RoomId, visibleAfter: number) => sql.type(
  entryRows,
)`select ${columns} from ${tableIn(schema, 'amended')} a join ${tableIn(schema, 'entry')} e using (message_id)
  where a.room_id = ${room} and a.pinned_at is not null and not a.deleted and e.seq > ${visibleAfter}
  order by a.pinned_at desc, e.seq desc`;

/** Everyone's reactions to a message, in the order they were put there. Primary key. */
export const reactionsTo = (schema: string, message: MessageId) => sql.type(
  rows(t.type({ emoji: t.string, userIds: t.readonlyArray(UserId) })),
)`select emoji, array_agg(user_id order by position) as "userIds" from ${tableIn(schema, 'reaction')}
  where message_id = ${message} group by emoji order by min(position)`;

export interface MentionsAsked {
  readonly roomId: RoomId;
  readonly behind: number;
}

/**
 * How many entries behind a place name `user`, of the rooms where any do; by others than `notFrom`. One range of the primary key (user_id,
 * room_id, seq) each, whatever the planner thinks of the rest.
 */
export const mentionCounts = (schema: string, user: UserId, asked: readonly MentionsAsked[], notFrom: readonly UserId[]) => sql.type(
  rows(t.type({ roomId: RoomId, count: t.number })),
)`select asked.room_id as "roomId", found.count from unnest(
    ${sql.array(
      asked.map(({ roomId }) => roomId),
      'uuid',
    )},
    ${sql.array(
      asked.map(({ behind }) => behind),
      'int8',
    )}) as asked (room_id, behind)
  cross join lateral (
    select count(*) from ${tableIn(schema, 'mention')} m
    where m.user_id = ${user} and m.room_id = asked.room_id and m.seq > asked.behind and m.sender_id <> all(${sql.array(notFrom, 'uuid')})
  ) as found
  where found.count > 0`;
