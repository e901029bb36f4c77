/**
 * The emails of threads, as far as a thread's own state needs them: chunks, each a text of one email after the other, filed order. The first is a
 * column of the thread's row, so that a short thread is one row to write; those behind it are rows of `held`. Emails are added to a text without
 * loading it. Text, for reading and writing it as `jsonb` took Postgres half as long again in a replay.
 */
import type { Place } from '@tidings/contracts/events/thread';
import type { EmailId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import type { ProjectionTx } from '@tidings/contracts/projection';
import type { Timestamp } from '@tidings/contracts/time';
import { type Held, type HeldEmail, OWN } from './fold.ts';
import { NEXT, type Key, keyOf, plainArray } from './store.ts';

/**
 * `1|2026-11-20T10:00:00.000Z|0000000000000001|<email id>|1|inbox;0|…`: whether it ranks, when it came, its position, its id, whether it is
 * incoming, its place, and for exceptions to how far the thread is read `|1` for seen or `|0` for not. Ids, times and words of ours, with none of these two marks in them. `queries.ts` reads the first three.
 */
const textOf = (emails: readonly HeldEmail[]): string =>
  emails
    .map((one) => `${one.ranks ? 1 : 0}|${one.at}|${one.position}|${one.emailId}|${one.incoming ? 1 : 0}|${one.place}${exception(one)}`)
    .join(NEXT);

const exception = ({ seen }: HeldEmail): string => (seen === null ? '' : seen ? '|1' : '|0');

const emailsOf = (text: string, chunk: number): readonly HeldEmail[] =>
  text.split(NEXT).map((one) => {
    const [ranks, at, position, emailId, incoming, place, seen] = one.split('|') as unknown as Fields; // as `textOf` wrote it
    return {
      emailId,
      position,
      at,
      incoming: incoming === '1',
      ranks: ranks === '1',
      chunk,
      place,
      seen: seen === undefined ? null : seen === '1',
    };
  });

type Fields = readonly [ranks: string, at: Timestamp, position: Position, emailId: EmailId, incoming: string, place: Place, seen?: string];

/** Emails that a page adds to one chunk. */
export interface Filed {
  readonly key: Key;
  readonly chunk: number;
  /** Whether the chunk is there only with them. */
  readonly isNew: boolean;
  readonly emails: HeldEmail[];
}

/** With an entry, perhaps empty, for each key. Primary keys of thread and held. */
export const loadHeld = async (keys: readonly Key[], tx: ProjectionTx): Promise<ReadonlyMap<string, Held>> => {
  const held = new Map<string, Held>(keys.map((key) => [keyOf(key), new Map()]));
  if (keys.length === 0) return held;
  const found = await tx.query<{ thread_id: Key['threadId']; mailbox_id: Key['mailboxId']; chunk: number; emails: string }>(
    `select thread_id, mailbox_id, ${OWN} as chunk, emails
     from unnest($1::uuid[], $2::uuid[]) as k (thread_id, mailbox_id) join ${tx.schema}.thread using (thread_id, mailbox_id) where emails <> ''
     union all
     select thread_id, mailbox_id, chunk, emails
     from unnest($1::uuid[], $2::uuid[]) as k (thread_id, mailbox_id) join ${tx.schema}.held using (thread_id, mailbox_id)
     order by chunk`,
    [plainArray(keys, (key) => key.threadId), plainArray(keys, (key) => key.mailboxId)],
  );
  for (const { thread_id, mailbox_id, chunk, emails } of found) {
    const all = held.get(keyOf({ threadId: thread_id, mailboxId: mailbox_id }));
    for (const email of emailsOf(emails, chunk)) all?.set(email.emailId, email);
  }
  return held;
};

/** The first chunk of these emails, for `updateThreads`. */
export const ownText = (emails: Iterable<HeldEmail>): string => textOf([...emails].filter(({ chunk }) => chunk === OWN));

/**
 * What becomes of a thread's first chunk, for `updateThreads`: what came to it goes behind what is there.
 * @param rewritten all emails of the thread, when some of the first chunk are not as they were
 */
export const ownTextAfter = (filed: readonly Filed[] | undefined, rewritten: Held | undefined): string => {
  if (rewritten !== undefined) return ownText(rewritten.values());
  const first = filed?.[0];
  if (first?.chunk !== OWN) return NEXT;
  return first.isNew ? textOf(first.emails) : NEXT + textOf(first.emails);
};

/** The chunks behind the first. */
export const appendHeld = async (filed: readonly Filed[], tx: ProjectionTx): Promise<void> => {
  const further = filed.filter(({ chunk }) => chunk !== OWN);
  await writeHeld(
    further.filter((one) => one.isNew),
    tx,
    '',
  );
  await writeHeld(
    further.filter((one) => !one.isNew),
    tx,
    `on conflict (thread_id, mailbox_id, chunk) do update set emails = h.emails || '${NEXT}' || excluded.emails`,
  );
};

const writeHeld = async (filed: readonly Filed[], tx: ProjectionTx, onConflict: string): Promise<void> => {
  if (filed.length === 0) return;
  await tx.query(
    `insert into ${tx.schema}.held as h (thread_id, mailbox_id, chunk, emails)
     select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[]) ${onConflict}`,
    [
      plainArray(filed, ({ key }) => key.threadId),
      plainArray(filed, ({ key }) => key.mailboxId),
      plainArray(filed, ({ chunk }) => chunk),
      plainArray(filed, ({ emails }) => textOf(emails)),
    ],
  );
};

/** After emails went away: the chunks behind the first, full again, in the order they were filed. */
export const replaceHeld = async (key: Key, left: readonly HeldEmail[], tx: ProjectionTx): Promise<void> => {
  await tx.query(`delete from ${tx.schema}.held where thread_id = $1 and mailbox_id = $2`, [key.threadId, key.mailboxId]);
  const chunks = Map.groupBy(left, ({ chunk }) => chunk);
  await appendHeld(
    [...chunks].map(([chunk, emails]) => ({ key, chunk, emails, isNew: true })),
    tx,
  );
};

export interface Moved {
  readonly key: Key;
  readonly held: Held | undefined;
  readonly chunks: ReadonlySet<number>;
}

/** The chunks behind the first. After `appendHeld`: some of the emails may have come in this very page. */
export const rewriteHeld = async (moved: readonly Moved[], tx: ProjectionTx): Promise<void> => {
  const rows = moved.flatMap(({ key, held, chunks }) =>
    [...chunks]
      .filter((chunk) => chunk !== OWN)
      .map((chunk) => ({ key, chunk, emails: [...(held?.values() ?? [])].filter((email) => email.chunk === chunk) })),
  );
  if (rows.length === 0) return;
  await tx.query(
    `update ${tx.schema}.held h set emails = n.emails
     from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[]) as n (thread_id, mailbox_id, chunk, emails)
     where h.thread_id = n.thread_id and h.mailbox_id = n.mailbox_id and h.chunk = n.chunk`,
    [
      plainArray(rows, ({ key }) => key.threadId),
      plainArray(rows, ({ key }) => key.mailboxId),
      plainArray(rows, ({ chunk }) => chunk),
      plainArray(rows, ({ emails }) => textOf(emails)),
    ],
  );
};
