/** The table of mails that wait for a checker (`filing.pending`). Written only by the owner of the shard, within its fenced transactions. */
import type { EmailId, MailboxId } from '@tidings/contracts/ids';
import { msOf, timestamp, type Timestamp } from '@tidings/contracts/time';
import type { Pool, PoolClient } from 'pg';
import type { Pending } from './file-page.ts';

/** An email with those of its mailboxes that wait for it. */
export interface DueEmail {
  readonly emailId: EmailId;
  readonly mailboxIds: readonly MailboxId[];
  readonly receivedAt: Timestamp;
  readonly attempts: number;
}

export interface Schedule {
  readonly retryFirstMs: number;
  /** From when SMTP took the mail. */
  readonly holdMs: number;
}

const LONGEST_PAUSE_MS = 600_000;

/** Never beyond the last chance, at which the mail is filed whatever happens. */
export const nextTry = ({ retryFirstMs, holdMs }: Schedule, receivedAt: number, attempts: number, now: number): number => {
  const pause = Math.min(LONGEST_PAUSE_MS, retryFirstMs * 2 ** Math.min(attempts - 1, 20));
  return Math.max(now, Math.min(now + pause, receivedAt + holdMs));
};

/** For the first time: due at once, when checkers are given all the time they may take. */
export const addPending = async (client: PoolClient, shard: number, pending: readonly Pending[]): Promise<void> => {
  if (pending.length === 0) return;
  await client.query(
    `insert into filing.pending (mailbox_id, email_id, shard, received_at, step, reason, next_at)
     select mailbox_id, email_id, $1, received_at, step, reason, received_at
     from unnest($2::uuid[], $3::uuid[], $4::timestamptz[], $5::text[], $6::text[]) as added (mailbox_id, email_id, received_at, step, reason)
     on conflict (mailbox_id, email_id) do nothing`,
    [
      shard,
      pending.map(({ mailboxId }) => mailboxId),
      pending.map(({ emailId }) => emailId),
      pending.map(({ receivedAt }) => receivedAt),
      pending.map(({ hold }) => hold.step),
      pending.map(({ hold }) => hold.reason),
    ],
  );
};

/** After another try: those that still wait do so until `nextAt`, the others are done. */
export const settlePending = async (client: PoolClient, due: DueEmail, still: readonly Pending[], nextAt: number): Promise<void> => {
  const waiting = new Set(still.map(({ mailboxId }) => mailboxId));
  const done = due.mailboxIds.filter((mailboxId) => !waiting.has(mailboxId));
  await client.query('delete from filing.pending where email_id = $1 and mailbox_id = any($2::uuid[])', [due.emailId, done]);
  for (const { mailboxId, hold } of still) {
    await client.query(
      'update filing.pending set attempts = attempts + 1, next_at = $3, step = $4, reason = $5 where email_id = $1 and mailbox_id = $2',
      [due.emailId, mailboxId, timestamp(nextAt), hold.step, hold.reason],
    );
  }
};

/** Times in milliseconds. */
type DueRow = Omit<DueEmail, 'receivedAt'> & { readonly receivedAt: number };

const ms = (column: string): string => `(extract(epoch from ${column}) * 1000)::float8`;

/** By index pending_next. */
export const duePending = async (pool: Pool, shard: number, now: number, limit: number): Promise<readonly DueEmail[]> => {
  const { rows } = await pool.query<DueRow>(
    `select email_id as "emailId", array_agg(mailbox_id::text) as "mailboxIds", ${ms('min(received_at)')} as "receivedAt", max(attempts) as attempts
     from filing.pending where shard = $1 and next_at <= $2 group by email_id order by min(next_at) limit $3`,
    [shard, timestamp(now), limit],
  );
  return rows.map((row) => ({ ...row, receivedAt: timestamp(row.receivedAt) }));
};

export interface Waiting {
  readonly mails: number;
  /** Null when there are none. */
  readonly nextAt: number | null;
  readonly steps: readonly string[];
}

export const waitingIn = async (pool: Pool, shard: number): Promise<Waiting> => {
  const { rows } = await pool.query<{ mails: number; nextAt: number | null; steps: readonly string[] | null }>(
    `select count(*)::integer as mails, ${ms('min(next_at)')} as "nextAt", array_agg(distinct step) as steps from filing.pending where shard = $1`,
    [shard],
  );
  const [row] = rows;
  return { mails: row?.mails ?? 0, nextAt: row?.nextAt ?? null, steps: row?.steps ?? [] };
};

export const receivedMs = ({ receivedAt }: DueEmail): number => msOf(receivedAt);
