/** What readers ask about read marks. Primary key (room_id, user_id). */
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

/** How far a room has reached each of its people's devices, as far as they told. */
export const deliveredIn = (schema: string, room: RoomId) =>
  sql.type(
    rows(t.type({ userId: UserId, seq: t.number, deliveredAt: Timestamp })),
  )`select user_id as "userId", seq, delivered_at as "deliveredAt" from ${tableIn(schema, 'delivered')} where room_id = ${room}`;
