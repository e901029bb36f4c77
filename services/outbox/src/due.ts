/** The table of drafts that wait for their time. Written only by the owner of the shard. */
import type { DraftId } from '@tidings/contracts/ids';
import { timestamp, type Timestamp } from '@tidings/contracts/time';
import type { Pool } from 'pg';

export interface Due {
  readonly draftId: DraftId;
  readonly submission: number;
}

/** A later submission takes the place of an earlier one; an earlier one changes nothing. Primary key. */
export const remember = async (pool: Pool, shard: number, { draftId, submission }: Due, sendAt: Timestamp): Promise<void> => {
  await pool.query(
    `insert into outbox.due as d (draft_id, shard, submission, send_at) values ($1, $2, $3, $4)
     on conflict (draft_id) do update set submission = excluded.submission, send_at = excluded.send_at where d.submission <= excluded.submission`,
    [draftId, shard, submission, sendAt],
  );
};

export const forget = async (pool: Pool, { draftId, submission }: Due): Promise<void> => {
  await pool.query('delete from outbox.due where draft_id = $1 and submission <= $2', [draftId, submission]);
};

/** Those whose time has come, the longest due first. Index due_next. */
export const dueAt = async (pool: Pool, shard: number, now: number, limit: number): Promise<readonly Due[]> => {
  const { rows } = await pool.query<Due>(
    'select draft_id as "draftId", submission from outbox.due where shard = $1 and send_at <= $2 order by send_at limit $3',
    [shard, timestamp(now), limit],
  );
  return rows;
};

/** In milliseconds since the epoch; null when nothing waits. Index due_next. */
export const nextDue = async (pool: Pool, shard: number): Promise<number | null> => {
  const { rows } = await pool.query<{ at: number | null }>(
    'select (extract(epoch from min(send_at)) * 1000)::float8 as at from outbox.due where shard = $1',
    [shard],
  );
  return rows[0]?.at ?? null;
};
