/**
 * Stretches of a mailbox' time, some thousand emails each. Every email bears its segment as a word, so the index of words finds what has a word within a
 * stretch of time without a look at the rest.
 */
import type { Recorded } from '@tidings/contracts/events/index';
import type { EmailFiled } from '@tidings/contracts/events/thread';
import { MailboxId } from '@tidings/contracts/ids';
import type { ProjectionTx } from '@tidings/contracts/projection';
import type { WordQuery } from '@tidings/contracts/ports/word-index';
import { rows } from '@tidings/contracts/sql-rows';
import { Timestamp } from '@tidings/contracts/time';
import * as t from 'io-ts';
import { sql } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';
import { cameAt } from '../threads/fold.ts';
import { segmentsQuery } from './lexemes.ts';

/** So many emails to a segment. */
export const SEGMENT = 4_096;

/** `first_at` and `last_at` enclose the times of its emails; clocks go back now and then, so segments may overlap. */
export const segmentTable = (schema: string): string => `
  create table ${schema}.segment (
    mailbox_id uuid not null,
    nth integer not null,
    emails integer not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    primary key (mailbox_id, nth)
  );`;

interface Open {
  readonly mailboxId: MailboxId;
  readonly nth: number;
  emails: number;
  firstAt: Timestamp;
  lastAt: Timestamp;
}

/** The segment of each email of a page, in its order. Primary key. */
export const assignSegments = async (
  filed: readonly Recorded<EmailFiled>[],
  size: number,
  tx: ProjectionTx,
): Promise<readonly number[]> => {
  if (filed.length === 0) return [];
  const found = await tx.query<Open>(
    `select s.mailbox_id as "mailboxId", s.nth, s.emails, s.first_at as "firstAt", s.last_at as "lastAt"
     from unnest($1::uuid[]) as m (mailbox_id)
     cross join lateral (select * from ${tx.schema}.segment s where s.mailbox_id = m.mailbox_id order by s.nth desc limit 1) s`,
    [[...new Set(filed.map(({ data }) => data.mailboxId))]],
  );
  const last = new Map(found.map((one) => [one.mailboxId, one]));
  const touched = new Set<Open>();
  const assigned = filed.map((event) => {
    const { mailboxId } = event.data;
    const at = cameAt(event);
    const before = last.get(mailboxId);
    const open =
      before === undefined || before.emails >= size
        ? { mailboxId, nth: before === undefined ? 0 : before.nth + 1, emails: 0, firstAt: at, lastAt: at }
        : before;
    open.emails += 1;
    if (at < open.firstAt) open.firstAt = at;
    if (at > open.lastAt) open.lastAt = at;
    last.set(mailboxId, open);
    touched.add(open);
    return open.nth;
  });
  await save([...touched], tx);
  return assigned;
};

const save = async (segments: readonly Open[], tx: ProjectionTx): Promise<void> => {
  await tx.query(
    `insert into ${tx.schema}.segment (mailbox_id, nth, emails, first_at, last_at)
     select * from unnest($1::uuid[], $2::int[], $3::int[], $4::timestamptz[], $5::timestamptz[])
     on conflict (mailbox_id, nth) do update set emails = excluded.emails, first_at = excluded.first_at, last_at = excluded.last_at`,
    [
      segments.map(({ mailboxId }) => mailboxId),
      segments.map(({ nth }) => nth),
      segments.map(({ emails }) => emails),
      segments.map(({ firstAt }) => firstAt),
      segments.map(({ lastAt }) => lastAt),
    ],
  );
};

const Segment = t.readonly(t.type({ mailboxId: MailboxId, nth: t.number, emails: t.number, firstAt: Timestamp, lastAt: Timestamp }));
export type Segment = t.TypeOf<typeof Segment>;

/** Newest first. Primary key. */
export const segmentsOf = (schema: string, mailboxes: readonly MailboxId[]) => sql.type(rows(Segment))`
  select mailbox_id as "mailboxId", nth, emails, first_at as "firstAt", last_at as "lastAt" from ${tableIn(schema, 'segment')}
  where mailbox_id = any(${sql.array(mailboxes, 'uuid')}) order by last_at desc, nth desc`;

/** A stretch of time: from `low` on, null from the beginning, as far as where one looks from. */
export interface Stretch {
  readonly low: Timestamp | null;
  readonly emails: number;
  /** True of every email in it. */
  readonly within: WordQuery;
}

/**
 * The next stretch of about `emails` emails.
 * @param segments newest first
 * @param high look at what is not later; null: everything
 */
export const stretchBelow = (segments: readonly Segment[], high: Timestamp | null, emails: number): Stretch => {
  const below = segments.filter(({ firstAt }) => high === null || firstAt <= high);
  let taken = 0;
  let low: Timestamp | null = null;
  for (const segment of below) {
    if (taken >= emails && low !== null) break;
    taken += segment.emails;
    // A stretch that ends where it begins would lead nowhere.
    if ((high === null || segment.firstAt < high) && (low === null || segment.firstAt < low)) low = segment.firstAt;
  }
  const end = below.every((segment) => low !== null && segment.firstAt >= low) ? null : low;
  const covered = below.filter(({ lastAt }) => end === null || lastAt >= end);
  return { low: end, emails: covered.reduce((sum, one) => sum + one.emails, 0), within: segmentsQuery(segments, covered) };
};
