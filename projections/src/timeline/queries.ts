/** What readers ask the timeline. Every page is a range of the primary key (room_id, seq). */
import { MsgBody, MsgType } from '@tidings/contracts/http/chat-objects';
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
  }),
);
/** Rows are entries: the codec must not drift from what `messageView` takes. */
const entryRows = rows<Entry>(EntryRow);

const columns = sql.fragment`e.room_id as "roomId", e.seq, e.message_id as "messageId", e.sender_id as "senderId",
  e.created_at as "createdAt", e.msg_type as "msgType", e.erased, e.body as "msgBody"`;

/** From which entry on `user` may read; no row for those who are not in the room. Primary key of member. */
export const viewer = (schema: string, room: RoomId, user: UserId) => sql.type(
  rows(t.type({ visibleAfter: t.number })),
)`select visible_after as "visibleAfter" from ${tableIn(schema, 'member')}
  where room_id = ${room} and user_id = ${user} and left_at is null`;

/** Where a page begins. */
export type PageStart =
  | { readonly type: 'newest' }
  | { readonly type: 'before'; readonly seq: number }
  | { readonly type: 'after'; readonly seq: number }
  | { readonly type: 'earlierThan'; readonly at: Timestamp };

/** Up to `limit` entries behind `visibleAfter`, newest first; the ones nearest to the start of the page. */
export const page = (schema: string, room: RoomId, visibleAfter: number, start: PageStart, limit: number) => {
  const entry = tableIn(schema, 'entry');
  const visible = sql.fragment`e.room_id = ${room} and e.seq > ${visibleAfter}`;
  const newestFirst = (condition: FragmentSqlToken) =>
    sql.type(entryRows)`select ${columns} from ${entry} e where ${visible} ${condition} order by e.seq desc limit ${limit}`;
  switch (start.type) {
    case 'newest':
      return newestFirst(sql.fragment``);
    case 'before':
      return newestFirst(sql.fragment`and e.seq < ${start.seq}`);
    case 'after':
      return sql.type(entryRows)`select * from (
        select ${columns} from ${entry} e where ${visible} and e.seq > ${start.seq} order by e.seq limit ${limit}
      ) nearest order by seq desc`;
    case 'earlierThan':
      // With ties: a client that goes on with the last entry's time must not lose others of that very millisecond (W4).
      // Index (room_id, created_at desc).
      return sql.type(entryRows)`select * from (
        select ${columns} from ${entry} e where ${visible} and e.created_at < ${start.at}::timestamptz
        order by e.created_at desc fetch first ${limit} rows with ties
      ) nearest order by seq desc`;
  }
};

/** Entries by their ids, whatever their rooms. Unique index on message_id. */
export const entriesById = (schema: string, ids: readonly MessageId[]) =>
  sql.type(entryRows)`select ${columns} from ${tableIn(schema, 'entry')} e where e.message_id = any(${sql.array(ids, 'uuid')})`;

/** The last entry of a room; no row when nothing was said yet. */
export const latestEntry = (schema: string, room: RoomId) =>
  sql.type(
    rows(t.type({ seq: t.number, messageId: MessageId })),
  )`select seq, message_id as "messageId" from ${tableIn(schema, 'entry')} where room_id = ${room} order by seq desc limit 1`;
