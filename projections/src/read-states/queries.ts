/** What readers ask about read marks. Primary key (room_id, user_id). */
import { oneOf } from '@tidings/contracts/codec';
import { RoomId, UserId } from '@tidings/contracts/ids';
import { rows } from '@tidings/contracts/sql-rows';
import { Timestamp } from '@tidings/contracts/time';
import * as t from 'io-ts';
import { sql } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';

const MarkRow = t.readonly(t.type({ roomId: RoomId, userId: UserId, seq: t.number, readAt: Timestamp }));
export type ReadMark = t.TypeOf<typeof MarkRow>;
const markRows = rows<ReadMark>(MarkRow);

const columns = sql.fragment`room_id as "roomId", user_id as "userId", seq, read_at as "readAt"`;

/** One person's marks in some rooms. */
export const marksOf = (schema: string, user: UserId, rooms: readonly RoomId[]) =>
  sql.type(
    markRows,
  )`select ${columns} from ${tableIn(schema, 'mark')} where room_id = any(${sql.array(rooms, 'uuid')}) and user_id = ${user}`;

/** Everyone's marks in one room. */
export const marksIn = (schema: string, room: RoomId) =>
  sql.type(markRows)`select ${columns} from ${tableIn(schema, 'mark')} where room_id = ${room}`;

const ReceiptRow = t.type({ userId: UserId, kind: oneOf('read', 'delivered'), at: Timestamp });

/** When each of `users` first gave a receipt of an entry, or of one behind it; of either kind. Primary key, one look each. */
export const receiptsOf = (schema: string, room: RoomId, seq: number, users: readonly UserId[]) => sql.type(rows(ReceiptRow))`
  select member.user_id as "userId", kinds.kind, first.at
  from unnest(${sql.array(users, 'uuid')}) as member (user_id)
  cross join (values ('read'), ('delivered')) as kinds (kind)
  cross join lateral (
    select at from ${tableIn(schema, 'receipt')} r
    where r.room_id = ${room} and r.user_id = member.user_id and r.kind = kinds.kind and r.seq >= ${seq} order by r.seq limit 1
  ) as first`;
