/** What readers ask of deliveries. */
import { nullable, oneOf } from '@tidings/contracts/codec';
import { type Delivery, deliveryDetails, deliveryStatuses } from '@tidings/contracts/http/mail-objects';
import { BlobId, EmailId, MailboxId, ThreadId } from '@tidings/contracts/ids';
import { rows } from '@tidings/contracts/sql-rows';
import * as t from 'io-ts';
import { sql } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';

const DeliveryRow = t.readonly(
  t.type({
    emailId: EmailId,
    mailboxId: MailboxId,
    recipient: nullable(t.string),
    /** `delayed`: deferred, but by another server. */
    status: oneOf(...deliveryStatuses, 'delayed'),
    ...deliveryDetails,
    reportBlobId: nullable(BlobId),
  }),
);
export type DeliveryRow = t.TypeOf<typeof DeliveryRow>;

/** Of these emails, in the order of their recipients. Primary key. */
export const deliveriesOf = (schema: string, emails: readonly EmailId[]) => sql.type(rows(DeliveryRow))`
  select email_id as "emailId", mailbox_id as "mailboxId", address as recipient, kind, status, attempts, last_reply as "lastReply",
    enhanced_code as "enhancedCode", next_attempt_at as "nextAttemptAt", delivered_at as "deliveredAt", mx, tls, dismissed,
    report, complaint, receipt, report_blob_id as "reportBlobId"
  from ${tableIn(schema, 'recipient')} r where email_id = any(${sql.array(emails, 'uuid')}) order by r.email_id, r.recipient`;

/** As one mailbox may see it: whom a mail went to in secret, only the mailbox that sent it knows. */
export const deliveryView = (row: DeliveryRow, viewer: MailboxId): readonly Delivery[] => {
  const { emailId: _, mailboxId, recipient, status, reportBlobId: _blob, ...rest } = row;
  if (recipient === null || (row.kind === 'bcc' && mailboxId !== viewer)) return [];
  return [{ recipient, ...rest, status: status === 'delayed' ? 'deferred' : status }];
};

const OpenRow = t.readonly(t.type({ threadId: ThreadId, delivery: oneOf('pending', 'failed') }));

/** What of these threads is still under way, or went wrong, which counts more. Index recipient (thread_id). */
export const openDeliveries = (schema: string, threads: readonly ThreadId[]) => sql.type(rows(OpenRow))`
  select thread_id as "threadId", min(open) as delivery from ${tableIn(schema, 'recipient')}
  where thread_id = any(${sql.array(threads, 'uuid')}) and open is not null group by thread_id`;
