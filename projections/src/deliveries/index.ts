/** What became of each outgoing mail for each of its recipients, as its mailbox sees it. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { EmailsSplitOff } from '@tidings/contracts/events/thread';
import type { MailboxId } from '@tidings/contracts/ids';
import type { Projection, ProjectionTx } from '@tidings/contracts/projection';
import { changed, keyOf, type OutboundEvent, queuedRows, type Row, type Status } from './fold.ts';

export * from './queries.ts';

/**
 * `open` is what a thread points at: something is still to happen, or went wrong and nobody has said that they saw it. `address` and `last_reply` are
 * null for a mailbox whose data is erased.
 */
const tables = (schema: string): string => `
  create table ${schema}.recipient (
    email_id uuid not null,
    recipient integer not null,
    mailbox_id uuid not null,
    thread_id uuid not null,
    address text,
    kind text not null,
    status text not null,
    attempts integer not null,
    last_attempt uuid,
    last_reply text,
    enhanced_code text,
    next_attempt_at timestamptz,
    delivered_at timestamptz,
    mx text,
    tls text,
    dismissed boolean not null,
    report jsonb,
    complaint jsonb,
    receipt jsonb,
    report_blob_id text,
    open text,
    primary key (email_id, recipient)
  );`;

const indexes = (schema: string): string => `
  create index on ${schema}.recipient (thread_id) where open is not null;
  create index on ${schema}.recipient (mailbox_id);`;

const apply = async (page: readonly Recorded[], tx: ProjectionTx): Promise<void> => {
  const rows = await touchedBy(page, tx);
  const closed: MailboxId[] = [];
  const split: EmailsSplitOff['data'][] = [];
  for (const event of page) {
    if (event.type === 'MailboxClosed') closed.push(event.data.mailboxId);
    else if (event.type === 'EmailsSplitOff') split.push(event.data);
    else if (event.type === 'EmailQueued') for (const row of queuedRows(event)) rows.set(keyOf(row), row);
    else if (isOutbound(event)) {
      for (const recipient of event.data.recipients) {
        const key = keyOf({ emailId: event.data.emailId, recipient });
        const row = rows.get(key);
        if (row !== undefined) rows.set(key, changed(row, event));
      }
    }
  }
  await save([...rows.values()], tx);
  for (const { emailIds, mailboxId, into } of split) {
    await tx.query(`update ${tx.schema}.recipient set thread_id = $3 where email_id = any($1::uuid[]) and mailbox_id = $2`, [
      ...[emailIds, mailboxId, into],
    ]);
  }
  // Nobody sees them any more.
  if (closed.length > 0) await tx.query(`delete from ${tx.schema}.recipient where mailbox_id = any($1::uuid[])`, [closed]);
};

const OUTBOUND = [
  'TransmissionBegun',
  'RecipientsDelivered',
  'RecipientsDeliveredInternally',
  'RecipientsDeferred',
  'RecipientsFailed',
  'RecipientsOutcomeUnknown',
  'RecipientsRetried',
  'RecipientsCancelled',
  'RecipientsDismissed',
  'RecipientsReported',
  'RecipientsComplained',
  'RecipientsAcknowledged',
] as const;

export const deliveries: Projection = {
  name: 'deliveries',
  version: 3,
  handles: ['EmailQueued', ...OUTBOUND, 'EmailsSplitOff', 'MailboxClosed'],
  tables,
  indexes,
  apply,
};

const outboundTypes: ReadonlySet<string> = new Set(OUTBOUND);
const isOutbound = (event: Recorded): event is Recorded<OutboundEvent> => outboundTypes.has(event.type);

/** Those that a page changes, as they were before it. Primary key. */
const touchedBy = async (page: readonly Recorded[], tx: ProjectionTx): Promise<Map<string, Row>> => {
  const touched = [...new Set(page.flatMap((event) => (isOutbound(event) ? [event.data.emailId] : [])))];
  if (touched.length === 0) return new Map();
  const found = await tx.query<Row>(
    `select email_id as "emailId", recipient, mailbox_id as "mailboxId", thread_id as "threadId", address, kind, status, attempts,
       last_attempt as "lastAttempt", last_reply as "lastReply", enhanced_code as "enhancedCode", next_attempt_at as "nextAttemptAt",
       delivered_at as "deliveredAt", mx, tls, dismissed, report, complaint, receipt, report_blob_id as "reportBlobId"
     from ${tx.schema}.recipient where email_id = any($1::uuid[])`,
    [touched],
  );
  return new Map(found.map((row) => [keyOf(row), row]));
};

const save = async (rows: readonly Row[], tx: ProjectionTx): Promise<void> => {
  if (rows.length === 0) return;
  const column = <A>(value: (row: Row) => A): readonly A[] => rows.map(value);
  await tx.query(
    `insert into ${tx.schema}.recipient (email_id, recipient, mailbox_id, thread_id, address, kind, status, attempts, last_attempt, last_reply,
       enhanced_code, next_attempt_at, delivered_at, mx, tls, dismissed, report, complaint, receipt, report_blob_id, open)
     select * from unnest($1::uuid[], $2::int[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::int[], $9::uuid[], $10::text[],
       $11::text[], $12::timestamptz[], $13::timestamptz[], $14::text[], $15::text[], $16::boolean[], $17::jsonb[], $18::jsonb[],
       $19::jsonb[], $20::text[], $21::text[])
     on conflict (email_id, recipient) do update set status = excluded.status, attempts = excluded.attempts, last_attempt = excluded.last_attempt,
       last_reply = excluded.last_reply, enhanced_code = excluded.enhanced_code, next_attempt_at = excluded.next_attempt_at,
       delivered_at = excluded.delivered_at, mx = excluded.mx, tls = excluded.tls, dismissed = excluded.dismissed, report = excluded.report, complaint = excluded.complaint,
       receipt = excluded.receipt,       report_blob_id = excluded.report_blob_id, open = excluded.open`,
    [
      ...[column((row) => row.emailId), column((row) => row.recipient), column((row) => row.mailboxId), column((row) => row.threadId)],
      ...[column((row) => row.address), column((row) => row.kind), column((row) => row.status), column((row) => row.attempts)],
      ...[column((row) => row.lastAttempt), column((row) => row.lastReply), column((row) => row.enhancedCode)],
      ...[column((row) => row.nextAttemptAt), column((row) => row.deliveredAt), column((row) => row.mx), column((row) => row.tls)],
      ...[column((row) => row.dismissed), column((row) => row.report), column((row) => row.complaint)],
      ...[column((row) => row.receipt), column((row) => row.reportBlobId), column(openOf)],
    ],
  );
};

const PENDING: ReadonlySet<Status> = new Set<Status>(['queued', 'sending', 'deferred']);

const openOf = ({ status, dismissed, nextAttemptAt }: Row): 'pending' | 'failed' | null => {
  if (PENDING.has(status) || (status === 'unknown' && nextAttemptAt !== null)) return 'pending';
  // Whoever has it may never tell more, so it is over once somebody has seen it.
  if (status === 'delayed' && !dismissed) return 'pending';
  return (status === 'failed' || status === 'unknown') && !dismissed ? 'failed' : null;
};
