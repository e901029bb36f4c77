/** `MessageSearch` on Postgres full text. */
import { MessageId, RoomId } from '@tidings/contracts/ids';
import type { MessageHit, MessageQuestion, MessageSearch } from '@tidings/contracts/ports/message-search';
import type { LiveSchema } from '@tidings/contracts/projection';
import { rows } from '@tidings/contracts/sql-rows';
import { Timestamp } from '@tidings/contracts/time';
import * as t from 'io-ts';
import { sql, type CommonQueryMethods, type FragmentSqlToken } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';
import { tsquery } from '../search-words/text-search.ts';
import { placedQuery, wordsQuery } from './lexemes.ts';

/** Where one way of searching gives way to the next, in messages. */
export interface Thresholds {
  /** So many of the newest are looked through first, and so many if the words are frequent. */
  readonly firstLook: number;
  readonly longLook: number;
  /** Words in fewer messages than this are rare: all of these are fetched and sorted. */
  readonly rare: number;
  /** Whose rooms hold fewer messages than this can have all of them looked through. */
  readonly few: number;
}
/** Some milliseconds each; the first look one or two (bench/chat-search.ts). */
const THRESHOLDS: Thresholds = { firstLook: 4_000, longLook: 50_000, rare: 5_000, few: 20_000 };

export interface ReadModels {
  readonly read: Pick<CommonQueryMethods, 'any' | 'one'>;
  readonly liveSchema: LiveSchema;
}

const HitRow = t.readonly(t.type({ createdAt: Timestamp, roomId: RoomId, seq: t.number, messageId: MessageId }));
const hitRows = rows<MessageHit>(HitRow);
const columns = sql.fragment`x.created_at as "createdAt", x.room_id as "roomId", x.seq, x.message_id as "messageId"`;
const newestFirst = sql.fragment`order by x.created_at desc, x.room_id desc, x.seq desc`;

/**
 * Frequent words fill a page from the newest messages; rare ones are few by the index of words. Neither way does for both: the index would
 * fetch and sort a third of all messages for a word like "and", a walk would go through all of them for a name said once. So the cheap
 * ways come first, and each answers only if what it gives is the whole answer.
 */
export const postgresMessageSearch = ({ read, liveSchema }: ReadModels, thresholds = THRESHOLDS): MessageSearch => ({
  find: async (question) => {
    const schema = liveSchema('message-search');
    const isWhole = (page: readonly MessageHit[]): boolean => page.length >= question.limit;

    const first = await read.any(amongNewest(schema, question, thresholds.firstLook));
    if (isWhole(first)) return first;
    if ((await read.one(hitsByWords(schema, question, thresholds.rare))).hits < thresholds.rare) return read.any(byWords(schema, question));
    if ((await read.one(messagesOf(schema, question))).messages < thresholds.few) return read.any(amongOwn(schema, question));
    const long = await read.any(amongNewest(schema, question, thresholds.longLook));
    return isWhole(long) ? long : read.any(byWords(schema, question));
  },
});

/** A walk along the primary key (one room) or index (created_at, room_id, seq), that ends as soon as the page is full. */
const amongNewest = (schema: string, question: MessageQuestion, most: number) => sql.type(hitRows)`
  select ${columns} from (
    select * from ${tableIn(schema, 'message')} x where ${inRoom(question)} and ${onPage(question)} ${newestFirst} limit ${most}
  ) x
  where ${isFound(question)} and ${maySee(schema, question)} ${newestFirst} limit ${question.limit}`;

/** All that the index of words finds, then sorted. `offset 0` keeps the planner from guessing that a walk in order would end sooner. */
const byWords = (schema: string, question: MessageQuestion) => sql.type(hitRows)`
  select ${columns} from (
    select created_at, room_id, seq, message_id, sender_id from ${tableIn(schema, 'message')} where ${byIndex(question)} offset 0
  ) x
  where ${onPage(question)} and ${bySender(question)} and ${maySee(schema, question)} ${newestFirst} limit ${question.limit}`;

/** How many messages the index of words finds, up to `most`. */
const hitsByWords = (schema: string, question: MessageQuestion, most: number) => sql.type(rows(t.type({ hits: t.number })))`
  select count(*) as hits from (select from ${tableIn(schema, 'message')} where ${byIndex(question)} limit ${most}) x`;

/** The messages of the searcher's rooms, each by the primary key; `offset 0` keeps the planner from the index of words, which finds too many. */
const amongOwn = (schema: string, question: MessageQuestion) => sql.type(hitRows)`
  select ${columns} from ${tableIn(schema, 'member')} m cross join lateral (
    select * from ${tableIn(schema, 'message')} x where x.room_id = m.room_id and x.seq > m.visible_after and ${onPage(question)} offset 0
  ) x
  where m.user_id = ${question.searcher} and m.left_at is null and ${inRoom(question)} and ${isFound(question)}
  ${newestFirst} limit ${question.limit}`;

/** How many entries the searcher's rooms have. */
const messagesOf = (schema: string, question: MessageQuestion) => sql.type(rows(t.type({ messages: t.number })))`
  select coalesce(sum(x.seq), 0)::int8 as messages from ${tableIn(schema, 'member')} m join ${tableIn(schema, 'room_counter')} x using (room_id)
  where m.user_id = ${question.searcher} and m.left_at is null and ${inRoom(question)}`;

/** A probe of the primary key for each message that is otherwise right, so that it costs the same in how many rooms ever one is. */
const maySee = (schema: string, { searcher }: MessageQuestion): FragmentSqlToken => sql.fragment`(
  select x.seq > m.visible_after from ${tableIn(schema, 'member')} m
  where m.room_id = x.room_id and m.user_id = ${searcher} and m.left_at is null)`;

const inRoom = ({ room }: MessageQuestion): FragmentSqlToken => (room === null ? sql.fragment`true` : sql.fragment`x.room_id = ${room}`);

/** Where the page begins. */
const onPage = ({ before, after }: MessageQuestion): FragmentSqlToken => sql.fragment`
  ${before === null ? sql.fragment`true` : sql.fragment`x.created_at < ${before}::timestamptz`}
  ${
    after === null
      ? sql.fragment``
      : sql.fragment`and (x.created_at, x.room_id, x.seq) < (${after.createdAt}::timestamptz, ${after.roomId}::uuid, ${after.seq}::int8)`
  }`;

/** By what stands in the row. */
const isFound = (question: MessageQuestion): FragmentSqlToken =>
  sql.fragment`x.words @@ ${tsquery(wordsQuery(question.query))}::tsquery and ${bySender(question)}`;

/** By the index of words, which knows rooms and senders too. */
const byIndex = (question: MessageQuestion): FragmentSqlToken =>
  sql.fragment`words @@ ${tsquery(placedQuery(question.query, question))}::tsquery`;

const bySender = ({ from, notFrom }: MessageQuestion): FragmentSqlToken => sql.fragment`
  ${from === null ? sql.fragment`true` : sql.fragment`x.sender_id = ${from}`}
  ${notFrom.length === 0 ? sql.fragment`` : sql.fragment`and x.sender_id <> all(${sql.array(notFrom, 'uuid')})`}`;
