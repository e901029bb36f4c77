/**
 * The emails of threads, as far as a thread's own state needs them: in rows of up to 64, each a list of tuples, filed order. Appending to one
 * is a single statement whatever it holds already.
 */
import type { Place } from '@tidings/contracts/events/thread';
import type { EmailId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import type { ProjectionTx } from '@tidings/contracts/projection';
import type { Timestamp } from '@tidings/contracts/time';
import type { Held, HeldEmail } from './fold.ts';
import { type Key, keyOf, plainArray } from './store.ts';

/** `ranks` and `incoming` as 1 or 0. `queries.ts` reads the first three. */
type Tuple = readonly [ranks: number, filedAt: Timestamp, position: Position, emailId: EmailId, incoming: number, place: Place];

/** Emails that a page adds to one row. */
export interface Filed {
  readonly key: Key;
  readonly chunk: number;
  readonly emails: HeldEmail[];
}

/** With an entry, perhaps empty, for each key. Primary key (thread_id, mailbox_id, chunk). */
export const loadHeld = async (keys: readonly Key[], tx: ProjectionTx): Promise<ReadonlyMap<string, Held>> => {
  const held = new Map<string, Held>(keys.map((key) => [keyOf(key), new Map()]));
  if (keys.length === 0) return held;
  const found = await tx.query<{ thread_id: Key['threadId']; mailbox_id: Key['mailboxId']; chunk: number; emails: readonly Tuple[] }>(
    `select h.* from unnest($1::uuid[], $2::uuid[]) as k (thread_id, mailbox_id) join ${tx.schema}.held h using (thread_id, mailbox_id)
     order by thread_id, mailbox_id, chunk`,
    [plainArray(keys, (key) => key.threadId), plainArray(keys, (key) => key.mailboxId)],
  );
  for (const { thread_id, mailbox_id, chunk, emails } of found) {
    const all = held.get(keyOf({ threadId: thread_id, mailboxId: mailbox_id }));
    for (const [ranks, filedAt, position, emailId, incoming, place] of emails) {
      all?.set(emailId, { emailId, position, filedAt, incoming: incoming === 1, ranks: ranks === 1, chunk, place });
    }
  }
  return held;
};

export const appendHeld = async (filed: readonly Filed[], tx: ProjectionTx): Promise<void> => {
  if (filed.length === 0) return;
  await tx.query(
    `insert into ${tx.schema}.held as h (thread_id, mailbox_id, chunk, emails)
     select * from rows from (unnest($1::uuid[]), unnest($2::uuid[]), unnest($3::int[]), jsonb_array_elements($4::jsonb))
     on conflict (thread_id, mailbox_id, chunk) do update set emails = h.emails || excluded.emails`,
    [
      plainArray(filed, ({ key }) => key.threadId),
      plainArray(filed, ({ key }) => key.mailboxId),
      plainArray(filed, ({ chunk }) => chunk),
      `[${filed.map(({ emails }) => tuples(emails)).join(',')}]`,
    ],
  );
};

export interface Moved {
  readonly key: Key;
  readonly held: Held | undefined;
  readonly chunks: ReadonlySet<number> | undefined;
}

/** After `appendHeld`: some of the emails may have come in this very page. */
export const rewriteHeld = async (moved: readonly Moved[], tx: ProjectionTx): Promise<void> => {
  const rows = moved.flatMap(({ key, held, chunks }) =>
    [...(chunks ?? [])].map((chunk) => ({ key, chunk, emails: [...(held?.values() ?? [])].filter((email) => email.chunk === chunk) })),
  );
  if (rows.length === 0) return;
  await tx.query(
    `update ${tx.schema}.held h set emails = n.emails
     from (
       select * from rows from (unnest($1::uuid[]), unnest($2::uuid[]), unnest($3::int[]), jsonb_array_elements($4::jsonb))
         as f (thread_id, mailbox_id, chunk, emails)
     ) n
     where h.thread_id = n.thread_id and h.mailbox_id = n.mailbox_id and h.chunk = n.chunk`,
    [
      plainArray(rows, ({ key }) => key.threadId),
      plainArray(rows, ({ key }) => key.mailboxId),
      plainArray(rows, ({ chunk }) => chunk),
      `[${rows.map(({ emails }) => tuples(emails)).join(',')}]`,
    ],
  );
};

/** JSON of ids, times and words of ours: nothing in it needs escaping, which is most of what `JSON.stringify` would do. */
const tuples = (emails: readonly HeldEmail[]): string =>
  `[${emails.map((one) => `[${one.ranks ? 1 : 0},"${one.filedAt}","${one.position}","${one.emailId}",${one.incoming ? 1 : 0},"${one.place}"]`).join(',')}]`;
