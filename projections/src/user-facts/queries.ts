/** What an export asks. */
import type { UserId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import { rows } from '@tidings/contracts/sql-rows';
import * as t from 'io-ts';
import { sql } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';

/** Positions in our own tables were checked when they were written. */
const PositionText = t.string as unknown as t.Type<Position, string>;

/** The next facts about `user` in a shard, behind `after`. Index fact (user_id, shard, position). */
export const factsBehind = (schema: string, user: UserId, shard: number, after: Position, limit: number) => sql.type(
  rows(t.readonly(t.type({ position: PositionText }))),
)`select position from ${tableIn(schema, 'fact')}
  where user_id = ${user} and shard = ${shard} and position > ${after} order by position limit ${limit}`;
