/** Mails that wait for a checker, as administrators see them. Filing owns the table, and alone writes to it. */
import type { EmailId, MailboxId } from '@tidings/contracts/ids';
import { timestamp, type Timestamp } from '@tidings/contracts/time';
import type { Pool } from 'pg';

export interface PendingMail {
  readonly emailId: EmailId;
  readonly mailboxId: MailboxId;
  readonly receivedAt: Timestamp;
  readonly step: string;
  readonly reason: string;
  readonly attempts: number;
  readonly nextAttemptAt: Timestamp;
}

type Row = Omit<PendingMail, 'receivedAt' | 'nextAttemptAt'> & { readonly receivedAt: number; readonly nextAttemptAt: number };

/** Those that wait longest come first. */
export const pendingMails = async (pool: Pool, limit: number): Promise<readonly PendingMail[]> => {
  const { rows } = await pool.query<Row>(
    `select email_id as "emailId", mailbox_id as "mailboxId", ${ms('received_at')} as "receivedAt", step, reason, attempts, ${ms('next_at')} as "nextAttemptAt"
     from filing.pending order by received_at, email_id, mailbox_id limit $1`,
    [limit],
  );
  return rows.map((row) => ({ ...row, receivedAt: timestamp(row.receivedAt), nextAttemptAt: timestamp(row.nextAttemptAt) }));
};

export const countPendingMails = async (pool: Pool): Promise<number> =>
  (await pool.query<{ mails: number }>('select count(*)::integer as mails from filing.pending')).rows[0]?.mails ?? 0;

const ms = (column: string): string => `(extract(epoch from ${column}) * 1000)::float8`;
