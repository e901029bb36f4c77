/** How events change what is shown of one recipient. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { EmailQueued, OutboundEvent as AnyOutboundEvent, RecipientKind } from '@tidings/contracts/events/outbound';
import type { Delivery } from '@tidings/contracts/http/mail-objects';
import type { AttemptId, BlobId, EmailId, MailboxId, ThreadId } from '@tidings/contracts/ids';
import { isShredded, reveal } from '@tidings/contracts/sealed';
import type { Timestamp } from '@tidings/contracts/time';

export type OutboundEvent = Exclude<AnyOutboundEvent, EmailQueued>;
/** `delayed`: deferred, but by another server. */
export type Status = 'queued' | 'sending' | 'delivered' | 'deferred' | 'delayed' | 'failed' | 'cancelled' | 'unknown' | 'internal';

export interface Row {
  readonly emailId: EmailId;
  readonly recipient: number;
  readonly mailboxId: MailboxId;
  readonly threadId: ThreadId;
  readonly address: string | null;
  readonly kind: RecipientKind;
  readonly status: Status;
  readonly attempts: number;
  readonly lastAttempt: AttemptId | null;
  readonly lastReply: string | null;
  readonly enhancedCode: string | null;
  readonly nextAttemptAt: Timestamp | null;
  readonly deliveredAt: Timestamp | null;
  readonly mx: string | null;
  readonly tls: string | null;
  readonly dismissed: boolean;
  readonly report: Delivery['report'];
  readonly complaint: Delivery['complaint'];
  readonly receipt: Delivery['receipt'];
  /** The bytes of the last mail that told of it. */
  readonly reportBlobId: BlobId | null;
}

export const keyOf = ({ emailId, recipient }: Pick<Row, 'emailId' | 'recipient'>): string => `${emailId} ${recipient}`;

/** None for a mailbox that is erased: its recipients are forgotten. */
export const queuedRows = ({ data, recordedAt }: Recorded<EmailQueued>): readonly Row[] => {
  const { emailId, mailboxId, threadId, recipients } = data;
  if (isShredded(recipients)) return [];
  return recipients.map(({ address, kind }, recipient) => ({
    ...{ emailId, recipient, mailboxId, threadId, address, kind, status: 'queued', attempts: 0, lastAttempt: null, lastReply: null },
    ...{ enhancedCode: null, nextAttemptAt: recordedAt, deliveredAt: null, mx: null, tls: null, dismissed: false },
    ...{ report: null, complaint: null, receipt: null, reportBlobId: null },
  }));
};

export const changed = (row: Row, event: Recorded<OutboundEvent>): Row => {
  switch (event.type) {
    case 'TransmissionBegun':
      return { ...tried(row, event.data.attemptId), status: 'sending', mx: event.data.host, nextAttemptAt: null };
    case 'RecipientsDelivered': {
      const { attemptId, host, tls, reply, enhancedCode } = event.data;
      const told = { mx: host, tls, lastReply: reveal(reply, null), enhancedCode, deliveredAt: event.recordedAt };
      return { ...tried(row, attemptId), ...told, status: 'delivered', nextAttemptAt: null };
    }
    case 'RecipientsDeliveredInternally':
      return {
        ...tried(row, event.data.attemptId),
        status: 'internal',
        nextAttemptAt: null,
        deliveredAt: event.recordedAt,
        lastReply: null,
      };
    case 'RecipientsDeferred': {
      const { attemptId, host, reply, enhancedCode, retryAt, attempted } = event.data;
      const was = attempted ? tried(row, attemptId) : { ...row, lastAttempt: attemptId };
      return { ...was, status: 'deferred', mx: host, lastReply: reveal(reply, null), enhancedCode, nextAttemptAt: retryAt };
    }
    case 'RecipientsFailed': {
      const { attemptId, host, reply, enhancedCode } = event.data;
      return { ...tried(row, attemptId), status: 'failed', mx: host, lastReply: reveal(reply, null), enhancedCode, nextAttemptAt: null };
    }
    case 'RecipientsOutcomeUnknown': {
      const { attemptId, reply, retryAt } = event.data;
      return { ...tried(row, attemptId), status: 'unknown', lastReply: reveal(reply, null), enhancedCode: null, nextAttemptAt: retryAt };
    }
    case 'RecipientsRetried':
      return { ...row, status: 'queued', nextAttemptAt: event.recordedAt, dismissed: false };
    case 'RecipientsCancelled':
      return { ...row, status: row.status === 'unknown' ? 'unknown' : 'cancelled', nextAttemptAt: null };
    case 'RecipientsDismissed':
      return { ...row, dismissed: true };
    case 'RecipientsReported': {
      const { fate, moves, host, reply, enhancedCode, reportBlobId } = event.data;
      const told = { ...row, report: { fate, at: event.recordedAt, by: host }, reportBlobId };
      if (!moves) return told;
      const status = fate === 'failed' || fate === 'delayed' ? fate : 'delivered';
      return { ...told, status, lastReply: reveal(reply, null), enhancedCode, nextAttemptAt: null, dismissed: false };
    }
    case 'RecipientsComplained': {
      const { feedback, reportBlobId } = event.data;
      return { ...row, complaint: { feedback, at: event.recordedAt }, reportBlobId };
    }
    case 'RecipientsAcknowledged': {
      const { disposition, isAutomatic, reportBlobId } = event.data;
      return { ...row, receipt: { disposition, isAutomatic, at: event.recordedAt }, reportBlobId };
    }
  }
};

/** An attempt counts once, however many events tell of it. */
const tried = (row: Row, attemptId: AttemptId): Row => ({
  ...row,
  attempts: row.lastAttempt === attemptId ? row.attempts : row.attempts + 1,
  lastAttempt: attemptId,
});
