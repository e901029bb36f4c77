/** Mails that could not be filed for a reason of their own, as an operator sees them and has them tried again. Filing sets them aside. */
import type { EmailId, MailboxId } from '@tidings/contracts/ids';
import type { Timestamp } from '@tidings/contracts/time';
import type { Pool } from 'pg';

export interface MailSetAside {
  readonly emailId: EmailId;
  readonly mailboxId: MailboxId;
  readonly error: string;
  readonly at: Timestamp;
}

/** Oldest first. */
export const mailsSetAside = async (pool: Pool, limit: number): Promise<readonly MailSetAside[]> =>
  (
    await pool.query<MailSetAside>(
      `select email_id as "emailId", mailbox_id as "mailboxId", error, at from filing.set_aside order by at, email_id, mailbox_id limit $1`,
      [limit],
    )
  ).rows;

/**
 * Hands one mail, or all of them, to the lane that asks again about mails that wait; what cannot be filed then is set aside anew.
 * @param emailId null: all
 * @returns in how many mailboxes they are tried
 */
export const tryAgain = async (pool: Pool, emailId: EmailId | null): Promise<number> => {
  const { rowCount } = await pool.query(
    `with again as (delete from filing.set_aside where $1::uuid is null or email_id = $1 returning *)
     insert into filing.pending (mailbox_id, email_id, shard, received_at, step, reason, next_at)
     select mailbox_id, email_id, shard, at, 'filing', error, clock_timestamp() from again
     on conflict (mailbox_id, email_id) do nothing`,
    [emailId],
  );
  return rowCount ?? 0;
};
