/** What readers ask the timeline. Every page is a range of the primary key (room_id, seq). */
import { nullable } from '@tidings/contracts/codec';
import { RoomType } from '@tidings/contracts/events/room';
import { MessageMailStatus, MsgBody, MsgType, ReactionCount } from '@tidings/contracts/http/chat-objects';
import { MessageId, RoomId, UserId } from '@tidings/contracts/ids';
import { rows } from '@tidings/contracts/sql-rows';
import { Timestamp } from '@tidings/contracts/time';
import * as t from 'io-ts';
import { sql, type FragmentSqlToken } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';
import type { Entry } from '../chat-view/index.ts';
import { NAMED_REACTORS } from './amended.ts';

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
    mails: nullable(t.record(t.string, t.readonly(t.type({ status: MessageMailStatus, at: Timestamp })))),
  }),
);
/** Rows are entries: the codec must not drift from what `messageView` takes. */
const entryRows = rows<Entry>(EntryRow);

/** Of entries `e` and what became of them, `a`. */
const columns = sql.fragment`e.room_id as "roomId", e.seq, e.message_id as "messageId", e.sender_id as "senderId",
  e.created_at as "createdAt", e.msg_type as "msgType", e.erased, coalesce(a.body, e.body) as "msgBody",
  coalesce(a.mentions, e.mentions) as mentions, e.thread_id as "threadId", a.edited_at as "editedAt", coalesce(a.deleted, false) as deleted,
  a.reactions, coalesce(a.reply_count, 0) as "replyCount", a.last_reply_at as "lastReplyAt", a.pinned_at is not null as pinned, a.mails`;

/** Each entry finds its amendments by their primary key. */
const entries = (schema: string) =>
  sql.fragment`${tableIn(schema, 'entry')} e left join ${tableIn(schema, 'amended')} a using (message_id)`;

/** From which entry on `user` may read, and in what room; no row for those who are not in it. Primary keys. */
export const viewer = (schema: string, room: RoomId, user: UserId) => sql.type(
  rows(t.type({ visibleAfter: t.number, roomType: RoomType })),
)`select m.visible_after as "visibleAfter", c.room_type as "roomType"
  from ${tableIn(schema, 'member')} m join ${tableIn(schema, 'room_counter')} c using (room_id)
  where m.room_id = ${room} and m.user_id = ${user} and m.left_at is null`;

/** An entry of the room: its rank, or its id, of which nothing is before or after when it is not in the room. */
export type Place = number | MessageId;

/** Where a page begins. */
export type PageStart =
  | { readonly type: 'newest' }
  | { readonly type: 'before'; readonly place: Place }
  | { readonly type: 'after'; readonly place: Place }
  | { readonly type: 'earlierThan'; readonly at: Timestamp };

/** Up to `limit` entries, newest first, the ones nearest to the start of the page: all there are, or what `reader` may see. */
export const page = (schema: string, room: RoomId, reader: UserId | 'all', start: PageStart, limit: number) => {
  const from = entries(schema);
  // Looked up first, once for the statement; nothing is behind null. Primary keys.
  const behind =
    reader === 'all'
      ? sql.fragment`0`
      : sql.fragment`(select visible_after from ${tableIn(schema, 'member')} where room_id = ${room} and user_id = ${reader} and left_at is null)`;
  const visible = sql.fragment`e.room_id = ${room} and e.seq > ${behind}`;
  const seqOf = (place: Place): FragmentSqlToken =>
    typeof place === 'number'
      ? sql.fragment`${place}`
      : sql.fragment`(select seq from ${tableIn(schema, 'entry')} where message_id = ${place} and room_id = ${room})`;
  const newestFirst = (condition: FragmentSqlToken) =>
    sql.type(entryRows)`select ${columns} from ${from} where ${visible} ${condition} order by e.seq desc limit ${limit}`;
  switch (start.type) {
    case 'newest':
      return newestFirst(sql.fragment``);
    case 'before':
      return newestFirst(sql.fragment`and e.seq < ${seqOf(start.place)}`);
    case 'after':
      return sql.type(entryRows)`select * from (
        select ${columns} from ${from} where ${visible} and e.seq > ${seqOf(start.place)} order by e.seq limit ${limit}
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
  sql.prepared(
    `${schema} entries by id`,
    entryRows,
  )`select ${columns} from ${entries(schema)} where e.message_id = any(${sql.array(ids, 'uuid')})`;

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

/** Everyone's reactions to a message but those of `notFrom`, in the order they were put there. Primary key. */
export const reactionsTo = (schema: string, message: MessageId, notFrom: readonly UserId[]) => sql.type(
  rows(t.type({ emoji: t.string, userIds: t.readonlyArray(UserId) })),
)`select emoji, array_agg(user_id order by position) as "userIds" from ${tableIn(schema, 'reaction')}
  where message_id = ${message} and user_id <> all(${sql.array(notFrom, 'uuid')}) group by emoji order by min(position)`;

/** What messages show of reactions without those of some, as far as these have put any there. Ranges of the primary key. */
export const reactionsWithout = (schema: string, messages: readonly MessageId[], notFrom: readonly UserId[]) => sql.type(
  rows(t.type({ messageId: MessageId, reactions: nullable(t.readonlyArray(ReactionCount)) })),
)`select theirs.message_id as "messageId", (
    select json_agg(json_build_object('emoji', emoji, 'count', count, 'userIds', user_ids) order by first) from (
      select emoji, count(*), min(position) as first, (array_agg(user_id order by position))[1:${NAMED_REACTORS}] as user_ids
      from ${tableIn(schema, 'reaction')} r
      where r.message_id = theirs.message_id and r.user_id <> all(${sql.array(notFrom, 'uuid')}) group by emoji
    ) by_emoji
  ) as reactions from (
    select distinct message_id from ${tableIn(schema, 'reaction')}
    where message_id = any(${sql.array(messages, 'uuid')}) and user_id = any(${sql.array(notFrom, 'uuid')})
  ) theirs`;

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
