/** `MessageSearch` on Postgres full text. */
import { MessageId, RoomId } from '@tidings/contracts/ids';
import type { MessageHit, MessageQuestion, MessageSearch } from '@tidings/contracts/ports/message-search';
import { rows } from '@tidings/contracts/sql-rows';
import { Timestamp } from '@tidings/contracts/time';
import * as t from 'io-ts';
import { sql, type FragmentSqlToken } from 'slonik';
import type { ReadModels } from '../chat-view/reading.ts';
import { tableIn } from '../chat-view/tables.ts';
import { questionOf } from './lexemes.ts';

/**
 * So many of the newest messages are looked through first. Frequent words fill a page there, and reading on along the index of words would
 * mean to fetch and sort every message that has them; rare words cost these few milliseconds more.
 */
const LOOKED_THROUGH = 4_000;
/** More rooms than this are not asked for by the index of words: their messages are most of what it would find anyway. */
const ROOMS_BY_INDEX = 256;

const HitRow = t.readonly(t.type({ createdAt: Timestamp, roomId: RoomId, seq: t.number, messageId: MessageId }));
const hitRows = rows<MessageHit>(HitRow);
const columns = sql.fragment`created_at as "createdAt", room_id as "roomId", seq, message_id as "messageId"`;
const newestFirst = sql.fragment`order by created_at desc, room_id desc, seq desc`;

export const postgresMessageSearch = ({ read, liveSchema }: ReadModels): MessageSearch => ({
  find: async (question) => {
    if (question.rooms.length === 0) return [];
    const schema = liveSchema('message-search');
    const recent = await read.any(amongRecent(schema, question));
    return recent.length >= question.limit ? recent : read.any(byWords(schema, question));
  },
});

/**
 * A walk along the primary key (one room) or the index (created_at, room_id, seq) that ends as soon as the page is full. With many rooms it
 * goes through the messages of all: someone who is in few of them finds little here, and has little to find by the words.
 */
const amongRecent = (schema: string, question: MessageQuestion) => {
  const words = questionOf(question.query, { rooms: [], from: null });
  const room = question.rooms.length === 1 ? inRooms(question) : sql.fragment`true`;
  return sql.type(hitRows)`select ${columns} from (
      select * from ${tableIn(schema, 'message')} where ${room} ${onPage(question)} ${newestFirst} limit ${LOOKED_THROUGH}
    ) recent
    where ${inRooms(question)} ${bySender(question)} and words @@ ${words}::tsquery ${newestFirst} limit ${question.limit}`;
};

/** All that the index of words finds, then sorted. `offset 0` keeps the planner from guessing that a walk in order would end sooner. */
const byWords = (schema: string, question: MessageQuestion) => {
  const rooms = question.rooms.length <= ROOMS_BY_INDEX ? question.rooms.map(({ roomId }) => roomId) : [];
  const words = questionOf(question.query, { rooms, from: question.from });
  return sql.type(hitRows)`select ${columns} from (
      select created_at, room_id, seq, message_id, sender_id from ${tableIn(schema, 'message')} where words @@ ${words}::tsquery offset 0
    ) found
    where ${inRooms(question)} ${onPage(question)} ${bySender(question)} ${newestFirst} limit ${question.limit}`;
};

/** What the searcher may see. */
const inRooms = ({ rooms }: MessageQuestion): FragmentSqlToken => {
  const ids = rooms.map(({ roomId }) => roomId);
  const [only] = ids;
  const room =
    only !== undefined && ids.length === 1 ? sql.fragment`room_id = ${only}` : sql.fragment`room_id = any(${sql.array(ids, 'uuid')})`;
  // Few: only private rooms that someone left and came back to.
  const cut = rooms.flatMap(({ roomId, visibleAfter }) => (visibleAfter > 0 ? [[roomId, visibleAfter]] : []));
  if (cut.length === 0) return room;
  return sql.fragment`${room} and not exists (
    select from ${sql.unnest(cut, ['uuid', 'int8'])} as hidden (id, until) where id = room_id and seq <= until)`;
};

/** Where the page begins. */
const onPage = ({ before, after }: MessageQuestion): FragmentSqlToken => sql.fragment`
  ${before === null ? sql.fragment`` : sql.fragment`and created_at < ${before}::timestamptz`}
  ${
    after === null
      ? sql.fragment``
      : sql.fragment`and (created_at, room_id, seq) < (${after.createdAt}::timestamptz, ${after.roomId}::uuid, ${after.seq}::int8)`
  }`;

const bySender = ({ from, notFrom }: MessageQuestion): FragmentSqlToken => sql.fragment`
  ${from === null ? sql.fragment`` : sql.fragment`and sender_id = ${from}`}
  ${notFrom.length === 0 ? sql.fragment`` : sql.fragment`and sender_id <> all(${sql.array(notFrom, 'uuid')})`}`;
