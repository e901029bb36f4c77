/** The labels there are, and the end of all that a mailbox has. */
import type { LabelCreated } from '@tidings/contracts/events/label';
import type { LabelId, MailboxId } from '@tidings/contracts/ids';
import type { ProjectionTx } from '@tidings/contracts/projection';
import { reveal } from '@tidings/contracts/sealed';
import { storable } from '../chat-view/people.ts';

export const saveLabels = async (labels: readonly LabelCreated['data'][], tx: ProjectionTx): Promise<void> => {
  if (labels.length === 0) return;
  const description = ({ description: written }: LabelCreated['data']): string | null => {
    const said = reveal(written, null);
    return said === null ? null : storable(said);
  };
  await tx.query(
    `insert into ${tx.schema}.label (label_id, mailbox_id, name, color, description, auto)
     select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::boolean[])
     on conflict (label_id) do update set
       name = excluded.name, color = excluded.color, description = excluded.description, auto = excluded.auto`,
    [
      labels.map((label) => label.labelId),
      labels.map((label) => label.mailboxId),
      labels.map((label) => storable(reveal(label.name, ''))),
      labels.map((label) => label.color),
      labels.map(description),
      labels.map((label) => label.auto),
    ],
  );
};

export const deleteLabels = async (gone: readonly LabelId[], tx: ProjectionTx): Promise<void> => {
  if (gone.length > 0) await tx.query(`delete from ${tx.schema}.label where label_id = any($1::uuid[])`, [gone]);
};

/** A closed mailbox takes no more mail, and nothing of it is shown again. */
export const forgetMailboxes = async (closed: readonly MailboxId[], tx: ProjectionTx): Promise<void> => {
  if (closed.length === 0) return;
  for (const table of ['label', 'share']) {
    await tx.query(`delete from ${tx.schema}.${table} where mailbox_id = any($1::uuid[])`, [closed]);
  }
};
