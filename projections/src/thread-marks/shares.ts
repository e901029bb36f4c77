/** Which mailboxes have a thread from another, and what they may do. */
import type { ThreadShared } from '@tidings/contracts/events/thread';
import type { ProjectionTx } from '@tidings/contracts/projection';
import type { Removal } from '../threads/removal.ts';
import { plainArray } from '../threads/store.ts';

export const saveShares = async (shares: readonly ThreadShared['data'][], tx: ProjectionTx): Promise<void> => {
  if (shares.length === 0) return;
  await tx.query(
    `insert into ${tx.schema}.share (thread_id, mailbox_id, role) select * from unnest($1::uuid[], $2::uuid[], $3::text[])
     on conflict (thread_id, mailbox_id) do update set role = excluded.role`,
    [
      plainArray(shares, ({ threadId }) => threadId),
      plainArray(shares, ({ mailboxId }) => mailboxId),
      plainArray(shares, ({ role }) => role),
    ],
  );
};

/** Nothing of the thread is in the mailbox any more. */
export const forgetThread = async ({ threadId, mailboxId }: Removal, tx: ProjectionTx): Promise<void> => {
  await tx.query(`delete from ${tx.schema}.share where thread_id = $1 and mailbox_id = $2`, [threadId, mailboxId]);
};
