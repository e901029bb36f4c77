/** Which threads bear which labels, and what labels are called. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { LabelId, MailboxId, ThreadId } from '@tidings/contracts/ids';
import type { ProjectionTx } from '@tidings/contracts/projection';
import { reveal } from '@tidings/contracts/sealed';
import { storable } from '../chat-view/people.ts';

/** A name as it is looked for: case and accents do not matter. */
export const foldedName = (name: string): string =>
  storable(name)
    .normalize('NFKD')
    .replaceAll(/\p{Mn}/gu, '')
    .toLowerCase();

interface Label {
  readonly mailboxId: MailboxId;
  readonly labelId: LabelId;
  /** Null once deleted. */
  readonly name: string | null;
}
interface Mark {
  readonly mailboxId: MailboxId;
  readonly labelId: LabelId;
  readonly threadId: ThreadId;
  readonly labelled: boolean;
}

/** What a page did with labels; the last word on each counts. */
export class Labelling {
  readonly #labels = new Map<LabelId, Label>();
  readonly #marks = new Map<string, Mark>();

  take({ type, data }: Recorded): void {
    if (type === 'LabelCreated' || type === 'LabelChanged')
      this.#labels.set(data.labelId, { ...data, name: foldedName(reveal(data.name, '')) });
    else if (type === 'LabelDeleted') this.#labels.set(data.labelId, { ...data, name: null });
    else if (type === 'ThreadLabelled') this.#marks.set(data.mailboxId + data.labelId + data.threadId, data);
    else if (type === 'EmailFiled') {
      const { mailboxId, threadId } = data;
      for (const labelId of data.imported?.labels ?? []) {
        this.#marks.set(mailboxId + labelId + threadId, { mailboxId, labelId, threadId, labelled: true });
      }
    }
  }

  async save(tx: ProjectionTx): Promise<void> {
    const marks = [...this.#marks.values()];
    const added = marks.filter(({ labelled }) => labelled);
    await change(
      tx,
      `insert into ${tx.schema}.labelled (mailbox_id, label_id, thread_id) select * from unnest($1::uuid[], $2::uuid[], $3::uuid[]) on conflict do nothing`,
      added,
      ({ threadId }) => threadId,
    );
    await change(
      tx,
      `delete from ${tx.schema}.labelled x using unnest($1::uuid[], $2::uuid[], $3::uuid[]) as m (mailbox_id, label_id, thread_id)
       where x.mailbox_id = m.mailbox_id and x.label_id = m.label_id and x.thread_id = m.thread_id`,
      marks.filter(({ labelled }) => !labelled),
      ({ threadId }) => threadId,
    );
    const labels = [...this.#labels.values()];
    await change(
      tx,
      `insert into ${tx.schema}.label (mailbox_id, label_id, name) select * from unnest($1::uuid[], $2::uuid[], $3::text[])
       on conflict (mailbox_id, label_id) do update set name = excluded.name`,
      labels.filter(({ name }) => name !== null),
      ({ name }) => name,
    );
    const deleted = labels.filter(({ name }) => name === null);
    for (const table of ['label', 'labelled']) {
      await change(
        tx,
        `delete from ${tx.schema}.${table} x using unnest($1::uuid[], $2::uuid[], $3::text[]) as d (mailbox_id, label_id, name)
         where x.mailbox_id = d.mailbox_id and x.label_id = d.label_id`,
        deleted,
        ({ name }) => name,
      );
    }
  }
}

/** @param text with the rows as $1, $2 and $3: mailboxes, labels and what `third` says */
const change = async <Row extends { readonly mailboxId: MailboxId; readonly labelId: LabelId }>(
  tx: ProjectionTx,
  text: string,
  rows: readonly Row[],
  third: (row: Row) => string | null,
): Promise<void> => {
  if (rows.length === 0) return;
  await tx.query(text, [rows.map(({ mailboxId }) => mailboxId), rows.map(({ labelId }) => labelId), rows.map(third)]);
};
