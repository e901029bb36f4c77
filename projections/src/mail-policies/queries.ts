/** What readers ask of mail policies. */
import { nullable } from '@tidings/contracts/codec';
import { MailPolicy } from '@tidings/contracts/events/notices';
import { RoomId, UserId } from '@tidings/contracts/ids';
import { rows } from '@tidings/contracts/sql-rows';
import * as t from 'io-ts';
import { sql } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';

const Said = t.readonly(
  t.type({
    standard: nullable(MailPolicy),
    digest: nullable(t.readonly(t.type({ timeZone: t.string, times: t.readonlyArray(t.string) }))),
    rooms: t.readonlyArray(t.readonly(t.type({ roomId: RoomId, policy: MailPolicy }))),
  }),
);

/** All that a user said, in one row; rooms in the order of their ids. Primary keys. */
export const policiesOf = (schema: string, user: UserId) => sql.type(rows(Said))`
  select (select policy from ${tableIn(schema, 'standard')} where user_id = ${user}) as standard,
    (select json_build_object('timeZone', time_zone, 'times', times) from ${tableIn(schema, 'digest')} where user_id = ${user}) as digest,
    coalesce((select json_agg(json_build_object('roomId', room_id, 'policy', policy) order by room_id)
      from ${tableIn(schema, 'room')} where user_id = ${user}), '[]'::json) as rooms`;

const Outsider = t.readonly(t.type({ roomId: RoomId, userId: UserId }));

/** Who takes part by mail alone in these rooms, or once did. Primary key. */
export const outsidersIn = (schema: string, rooms: readonly RoomId[]) => sql.type(rows(Outsider))`
  select room_id as "roomId", user_id as "userId" from ${tableIn(schema, 'outsider')} where room_id = any(${sql.array(rooms, 'uuid')})`;

const Wanted = t.readonly(t.type({ roomId: RoomId }));

/** Those of these rooms of which somebody wants mail, as they said of this very room. Index room (room_id). */
export const roomsWanted = (schema: string, ofThese: readonly RoomId[]) => sql.type(rows(Wanted))`
  select distinct room_id as "roomId" from ${tableIn(schema, 'room')}
  where room_id = any(${sql.array(ofThese, 'uuid')}) and policy <> 'never'`;

const Wanting = t.readonly(t.type({ userId: UserId }));

/** Those of `users` who want mail of some room, or of all; each once. Primary keys. */
export const wantingAmong = (schema: string, users: readonly UserId[]) => sql.type(rows(Wanting))`
  select user_id as "userId" from ${tableIn(schema, 'standard')} where user_id = any(${sql.array(users, 'uuid')}) and policy <> 'never'
  union
  select user_id from ${tableIn(schema, 'room')} where user_id = any(${sql.array(users, 'uuid')}) and policy <> 'never'`;

/** Whether anybody wants mail of every room. */
export const isAnyWanted = (schema: string) => sql.type(rows(t.readonly(t.type({ any: t.boolean }))))`
  select exists (select from ${tableIn(schema, 'standard')} where policy <> 'never') as any`;

/** Whether anybody wants mail at all, or takes part by mail. */
export const isAnybodyMailed = (schema: string) => sql.type(rows(t.readonly(t.type({ any: t.boolean }))))`
  select exists (select from ${tableIn(schema, 'standard')} where policy <> 'never')
    or exists (select from ${tableIn(schema, 'room')} where policy <> 'never')
    or exists (select from ${tableIn(schema, 'outsider')}) as any`;
