/** The table of members who are to be told of a message at a time. Written only by the owner of the shard. */
import type { MailPolicy } from '@tidings/contracts/events/notices';
import type { MessageId, RoomId, UserId } from '@tidings/contracts/ids';
import { timestamp, type Timestamp } from '@tidings/contracts/time';
import type { Pool } from 'pg';

/** One member and one message. */
export interface DueNotice {
  readonly roomId: RoomId;
  readonly messageId: MessageId;
  readonly userId: UserId;
  readonly policy: MailPolicy;
  readonly dueAt: Timestamp;
}

/** All that waits for one member's digest of this time. */
export interface DueDigest {
  readonly userId: UserId;
  readonly dueAt: Timestamp;
}

export type Due = ({ readonly kind: 'notice' } & DueNotice) | ({ readonly kind: 'digest' } & DueDigest);

/** Once more changes nothing. Primary key. */
export const remember = async (pool: Pool, shard: number, dues: readonly DueNotice[]): Promise<void> => {
  await pool.query(
    `insert into gateway_out.due (message_id, user_id, room_id, shard, policy, due_at)
     select message_id, user_id, room_id, $6, policy, due_at
     from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[]) as of (message_id, user_id, room_id, policy, due_at)
     on conflict do nothing`,
    [
      ...[dues.map((one) => one.messageId), dues.map((one) => one.userId), dues.map((one) => one.roomId)],
      ...[dues.map((one) => one.policy), dues.map((one) => one.dueAt), shard],
    ],
  );
};

/** To the next digest: this one has gone. */
export const putOff = async (pool: Pool, { messageId, userId }: DueNotice, to: Timestamp): Promise<void> => {
  await pool.query('update gateway_out.due set due_at = $3 where message_id = $1 and user_id = $2', [messageId, userId, to]);
};

export const forget = async (pool: Pool, { messageId, userId }: Pick<DueNotice, 'messageId' | 'userId'>): Promise<void> => {
  await pool.query('delete from gateway_out.due where message_id = $1 and user_id = $2', [messageId, userId]);
};

interface Row {
  readonly room_id: RoomId;
  readonly message_id: MessageId;
  readonly user_id: UserId;
  readonly policy: MailPolicy;
  readonly due_at: Date | string;
}
const noticeOf = ({ room_id: roomId, message_id: messageId, user_id: userId, policy, due_at: dueAt }: Row): DueNotice => ({
  ...{ roomId, messageId, userId, policy },
  dueAt: timestamp(new Date(dueAt).getTime()),
});

/** Those whose time has come, the longest due first; of several messages of a room to one member the first only, so that they go in order. Index due_next. */
export const dueAt = async (pool: Pool, shard: number, now: number, limit: number): Promise<readonly Due[]> => {
  const { rows } = await pool.query<Row>(
    `select room_id, message_id, user_id, policy, due_at from gateway_out.due where shard = $1 and due_at <= $2 order by due_at, message_id limit $3`,
    [shard, timestamp(now), limit * 8],
  );
  const firsts = new Map<string, Due>();
  for (const row of rows) {
    const notice = noticeOf(row);
    const isDigest = notice.policy === 'digest';
    const key = isDigest ? `${notice.userId} ${notice.dueAt}` : `${notice.userId} ${notice.roomId}`;
    if (!firsts.has(key)) {
      firsts.set(key, isDigest ? { kind: 'digest', userId: notice.userId, dueAt: notice.dueAt } : { kind: 'notice', ...notice });
    }
  }
  return [...firsts.values()].slice(0, limit);
};

/** All of a digest, in the order in which they were said as far as ids tell; whoever words it puts them in order. Index due_digest. */
export const inDigest = async (pool: Pool, { userId, dueAt: at }: DueDigest): Promise<readonly DueNotice[]> => {
  const { rows } = await pool.query<Row>(
    `select room_id, message_id, user_id, policy, due_at from gateway_out.due where user_id = $1 and policy = 'digest' and due_at = $2`,
    [userId, at],
  );
  return rows.map(noticeOf);
};

/** In milliseconds since the epoch; null when nothing waits. Index due_next. */
export const nextDue = async (pool: Pool, shard: number): Promise<number | null> => {
  const { rows } = await pool.query<{ at: number | null }>(
    'select (extract(epoch from min(due_at)) * 1000)::float8 as at from gateway_out.due where shard = $1',
    [shard],
  );
  return rows[0]?.at ?? null;
};
