/** Writes one page: a statement per table and kind of change, whatever its size. */
import type { LabelId, MailboxId, ThreadId, UserId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import type { ProjectionTx } from '@tidings/contracts/projection';
import type { Timestamp } from '@tidings/contracts/time';
import { plainArray } from '../threads/store.ts';

export type MarkKind = 'label' | 'assignee';

/** Where a thread of a mailbox stands in its lists. */
export interface Ranked {
  readonly threadId: ThreadId;
  readonly mailboxId: MailboxId;
  readonly at: Timestamp;
  readonly position: Position;
}

/** A mark as a page leaves it. */
export interface Mark {
  readonly threadId: ThreadId;
  readonly mailboxId: MailboxId;
  readonly kind: MarkKind;
  readonly marked: LabelId | UserId;
  /** False: taken away. */
  readonly present: boolean;
}

const rankColumns = (ranked: readonly Ranked[]): readonly string[] => [
  plainArray(ranked, ({ threadId }) => threadId),
  plainArray(ranked, ({ mailboxId }) => mailboxId),
  plainArray(ranked, ({ at }) => at),
  plainArray(ranked, ({ position }) => position),
];
const RANKED = 'unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[]) as n (thread_id, mailbox_id, last_at, last_position)';

export const saveRanked = async (ranked: readonly Ranked[], tx: ProjectionTx): Promise<void> => {
  if (ranked.length === 0) return;
  await tx.query(
    `insert into ${tx.schema}.ranked (thread_id, mailbox_id, last_at, last_position) select * from ${RANKED}
     on conflict (thread_id, mailbox_id) do update set last_at = excluded.last_at, last_position = excluded.last_position`,
    rankColumns(ranked),
  );
};

/** Marks go up in their lists with their threads. Primary key (thread_id, mailbox_id, …). */
export const rankMarks = async (ranked: readonly Ranked[], tx: ProjectionTx): Promise<void> => {
  if (ranked.length === 0) return;
  await tx.query(
    `update ${tx.schema}.mark m set last_at = n.last_at, last_position = n.last_position
     from ${RANKED} where m.thread_id = n.thread_id and m.mailbox_id = n.mailbox_id`,
    rankColumns(ranked),
  );
};

/** After `saveRanked`: a mark stands where its thread does. What a mailbox does not hold it cannot mark. */
export const saveMarks = async (marks: readonly Mark[], tx: ProjectionTx): Promise<void> => {
  const columns = (some: readonly Mark[]): readonly string[] => [
    plainArray(some, ({ threadId }) => threadId),
    plainArray(some, ({ mailboxId }) => mailboxId),
    plainArray(some, ({ kind }) => kind),
    plainArray(some, ({ marked }) => marked),
  ];
  const asked = 'unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[]) as n (thread_id, mailbox_id, kind, marked)';
  const [gone, there] = [marks.filter(({ present }) => !present), marks.filter(({ present }) => present)];
  if (there.length > 0) {
    await tx.query(
      `insert into ${tx.schema}.mark (thread_id, mailbox_id, kind, marked, last_at, last_position)
       select n.*, r.last_at, r.last_position from ${asked} join ${tx.schema}.ranked r using (thread_id, mailbox_id)
       on conflict do nothing`,
      columns(there),
    );
  }
  if (gone.length > 0) {
    await tx.query(
      `delete from ${tx.schema}.mark m using ${asked}
       where m.thread_id = n.thread_id and m.mailbox_id = n.mailbox_id and m.kind = n.kind and m.marked = n.marked`,
      columns(gone),
    );
  }
};

/** All marks of these labels or people, wherever they are. Index mark_by_what. */
export const removeMarksOf = async (kind: MarkKind, marked: readonly (LabelId | UserId)[], tx: ProjectionTx): Promise<void> => {
  if (marked.length > 0) await tx.query(`delete from ${tx.schema}.mark where kind = $1 and marked = any($2::uuid[])`, [kind, marked]);
};
