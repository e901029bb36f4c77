/**
 * What goes as someone is erased: what they wrote, what others quote of it, and their name where an entry froze it. Afterwards the tables are
 * those of a replay that could not read any of it. Rare enough to look through all entries.
 */
import type { MsgBody } from '@tidings/contracts/http/chat-objects';
import type { MessageId, RoomId, UserId } from '@tidings/contracts/ids';
import type { ProjectionTx } from '@tidings/contracts/projection';
import { ERASED_NAME, NO_BODY, withoutErased } from '../chat-view/index.ts';

export const eraseFrom = async (tx: ProjectionTx, user: UserId): Promise<void> => {
  await tx.query(`update ${tx.schema}.person set name = $2 where user_id = $1`, [user, ERASED_NAME]);
  await tx.query(
    `update ${tx.schema}.amended a set body = null from ${tx.schema}.entry e
     where e.sender_id = $1 and e.msg_type <> 'RoomChange' and a.message_id = e.message_id`,
    [user],
  );
  await tx.query(
    `update ${tx.schema}.entry set body = $2, msg_type = 'Text', erased = true where sender_id = $1 and msg_type <> 'RoomChange'`,
    [user, JSON.stringify(NO_BODY)],
  );
  await tx.query(`delete from ${tx.schema}.mention where sender_id = $1`, [user]);
  await rewriteEntries(tx, user);
  await rewriteEdits(tx, user);
};

/** By the text of the body: reading it as JSON in Postgres fails on U+0000, which anyone may write. Quotes in what people write are escaped. */
const entriesTelling = `(msg_type = 'RoomChange' and sender_id = $1::uuid) or (msg_type = 'Reply' and body::text like '%"replySenderId":"' || $1::uuid || '"%')`;

const rewriteEntries = async (tx: ProjectionTx, user: UserId): Promise<void> => {
  const found = await tx.query<{ room_id: RoomId; seq: number; body: MsgBody }>(
    `select room_id, seq, body from ${tx.schema}.entry where ${entriesTelling}`,
    [user],
  );
  if (found.length === 0) return;
  await tx.query(
    `update ${tx.schema}.entry e set body = page.body::json
     from unnest($1::uuid[], $2::bigint[], $3::text[]) page (room_id, seq, body) where e.room_id = page.room_id and e.seq = page.seq`,
    [found.map((row) => row.room_id), found.map((row) => row.seq), found.map((row) => JSON.stringify(withoutErased(row.body, user)))],
  );
};

const rewriteEdits = async (tx: ProjectionTx, user: UserId): Promise<void> => {
  const found = await tx.query<{ message_id: MessageId; body: MsgBody }>(
    `select message_id, body from ${tx.schema}.amended where body::text like '%"replySenderId":"' || $1::uuid || '"%'`,
    [user],
  );
  if (found.length === 0) return;
  await tx.query(
    `update ${tx.schema}.amended a set body = page.body::json
     from unnest($1::uuid[], $2::text[]) page (message_id, body) where a.message_id = page.message_id`,
    [found.map((row) => row.message_id), found.map((row) => JSON.stringify(withoutErased(row.body, user)))],
  );
};
