/**
 * Stream `outbound-<emailId>`: one mail on its way out, and what became of it for each recipient (architecture §5, mail-contract §7). Recipients are
 * named by their place in `EmailQueued`, so that their addresses stand in one sealed field only; recipients of the same fate share an event.
 */
import * as t from 'io-ts';
import { int, nullable, oneOf, text } from '../codec.ts';
import { AttemptId, BlobId, EmailId, MailboxId, ThreadId, UserId } from '../ids.ts';
import { sealed } from '../sealed.ts';
import { Timestamp } from '../time.ts';
import { defineEvent, type EventOf } from './definition.ts';

export const RecipientKind = oneOf('to', 'cc', 'bcc');
export type RecipientKind = t.TypeOf<typeof RecipientKind>;

/** An address as it was written, which may differ from its normal form in the case of its letters. */
export const OutboundRecipient = t.readonly(t.type({ address: text(1, 1000), kind: RecipientKind }));
export type OutboundRecipient = t.TypeOf<typeof OutboundRecipient>;

const ofEmail = { emailId: EmailId, mailboxId: MailboxId, threadId: ThreadId };
const Recipients = t.readonlyArray(int(0, 9_999));
/** What the other server, or we, said: an SMTP reply or a sentence. It may name addresses. */
const Reply = sealed(text(0, 2000));
/** RFC 3463: `5.1.1`. */
const EnhancedCode = nullable(text(1, 20));
const Host = text(1, 300);

export const EmailQueued = defineEvent({
  type: 'EmailQueued',
  doc: 'A mail of a mailbox is to go out: its bytes are durable, and each recipient will have an outcome.',
  data: t.readonly(
    t.type({
      ...ofEmail,
      rawBlobId: BlobId,
      size: int(0),
      messageId: sealed(text(0, 1000)),
      /** Empty is the null sender: nobody is told of a failure (RFC 5321 §4.5.5). */
      envelopeFrom: sealed(text(0, 1000)),
      recipients: sealed(t.readonlyArray(OutboundRecipient)),
      /** Outlives their addresses. */
      recipientCount: int(1, 10_000),
      /** Null: Tidings itself, for a mailbox that asked for it. */
      queuedBy: nullable(UserId),
    }),
  ),
  personal: [{ subject: 'mailboxId', fields: ['messageId', 'envelopeFrom', 'recipients'] }],
});
export type EmailQueued = EventOf<typeof EmailQueued>;

export const TransmissionBegun = defineEvent({
  type: 'TransmissionBegun',
  doc: 'The bytes of a mail are about to go to a server that takes these recipients. Until an outcome follows, nobody knows whether it has them.',
  data: t.readonly(
    t.type({
      ...ofEmail,
      attemptId: AttemptId,
      recipients: Recipients,
      host: Host,
      /** Of the lease under which it is sent: an attempt of another lease than the one in force has no one who waits for its reply. */
      leaseToken: text(1, 100),
    }),
  ),
});
export type TransmissionBegun = EventOf<typeof TransmissionBegun>;

export const RecipientsDelivered = defineEvent({
  type: 'RecipientsDelivered',
  doc: 'The other server took the mail for these recipients: it is its business now.',
  data: t.readonly(
    t.type({
      ...ofEmail,
      attemptId: AttemptId,
      recipients: Recipients,
      host: Host,
      /** The protocol and what vouched for the certificate (`TLSv1.3 dane`); null for plain text. */
      tls: nullable(text(1, 100)),
      reply: Reply,
      enhancedCode: EnhancedCode,
    }),
  ),
  personal: [{ subject: 'mailboxId', fields: ['reply'] }],
});
export type RecipientsDelivered = EventOf<typeof RecipientsDelivered>;

export const RecipientsDeliveredInternally = defineEvent({
  type: 'RecipientsDeliveredInternally',
  doc: 'These recipients are mailboxes of ours; the mail was received for them without a network.',
  data: t.readonly(t.type({ ...ofEmail, attemptId: AttemptId, recipients: Recipients, receivedAs: EmailId })),
});
export type RecipientsDeliveredInternally = EventOf<typeof RecipientsDeliveredInternally>;

export const RecipientsDeferred = defineEvent({
  type: 'RecipientsDeferred',
  doc: 'The mail did not get to these recipients this time; it is tried again.',
  data: t.readonly(
    t.type({
      ...ofEmail,
      attemptId: AttemptId,
      recipients: Recipients,
      /** Null when no server was spoken to. */
      host: nullable(Host),
      reply: Reply,
      enhancedCode: EnhancedCode,
      retryAt: Timestamp,
      /** False when a limit or a setting of ours held it back: that uses up no retry. */
      attempted: t.boolean,
    }),
  ),
  personal: [{ subject: 'mailboxId', fields: ['reply'] }],
});
export type RecipientsDeferred = EventOf<typeof RecipientsDeferred>;

export const RecipientsFailed = defineEvent({
  type: 'RecipientsFailed',
  doc: 'The mail will not get to these recipients: refused for good, or tried for long enough.',
  data: t.readonly(
    t.type({
      ...ofEmail,
      attemptId: AttemptId,
      recipients: Recipients,
      host: nullable(Host),
      reply: Reply,
      enhancedCode: EnhancedCode,
    }),
  ),
  personal: [{ subject: 'mailboxId', fields: ['reply'] }],
});
export type RecipientsFailed = EventOf<typeof RecipientsFailed>;

export const RecipientsOutcomeUnknown = defineEvent({
  type: 'RecipientsOutcomeUnknown',
  doc: 'The mail was sent to these recipients and the reply is lost: the other server may have it or not.',
  data: t.readonly(
    t.type({
      ...ofEmail,
      attemptId: AttemptId,
      recipients: Recipients,
      reply: Reply,
      /** Null: a person decides. Else it is sent again then, and may arrive twice. */
      retryAt: nullable(Timestamp),
    }),
  ),
  personal: [{ subject: 'mailboxId', fields: ['reply'] }],
});
export type RecipientsOutcomeUnknown = EventOf<typeof RecipientsOutcomeUnknown>;

const byUser = t.readonly(t.type({ ...ofEmail, recipients: Recipients, by: UserId }));

export const RecipientsRetried = defineEvent({
  type: 'RecipientsRetried',
  doc: 'Somebody wants it tried again for these recipients, at once and with all retries before it.',
  data: byUser,
});
export type RecipientsRetried = EventOf<typeof RecipientsRetried>;

export const RecipientsCancelled = defineEvent({
  type: 'RecipientsCancelled',
  doc: 'Somebody wants it tried no more for these recipients.',
  data: byUser,
});
export type RecipientsCancelled = EventOf<typeof RecipientsCancelled>;

export const RecipientsDismissed = defineEvent({
  type: 'RecipientsDismissed',
  doc: 'Somebody has seen that it did not get to these recipients; the thread no longer points at it.',
  data: byUser,
});
export type RecipientsDismissed = EventOf<typeof RecipientsDismissed>;

/** What a report says became of a mail (RFC 3464 §2.3.3). `relayed` and `expanded`: nobody will tell more. */
export const Fate = oneOf('failed', 'delayed', 'delivered', 'relayed', 'expanded');
export type Fate = t.TypeOf<typeof Fate>;

/** The mail that told it, as it was received; its bytes are kept with the mailbox. */
const report = { reportId: EmailId, reportBlobId: BlobId };

export const RecipientsReported = defineEvent({
  type: 'RecipientsReported',
  doc: 'A report came back (a bounce, RFC 3464) on what became of the mail for these recipients after another server had taken it.',
  data: t.readonly(
    t.type({
      ...ofEmail,
      recipients: Recipients,
      ...report,
      fate: Fate,
      /** False: it is noted, and changes no status, because another try is due or it is over already. */
      moves: t.boolean,
      /** The server that found it out. */
      host: nullable(Host),
      reply: Reply,
      enhancedCode: EnhancedCode,
    }),
  ),
  personal: [{ subject: 'mailboxId', fields: ['reply'] }],
});
export type RecipientsReported = EventOf<typeof RecipientsReported>;

export const RecipientsComplained = defineEvent({
  type: 'RecipientsComplained',
  doc: 'A mail provider reports (RFC 5965) that these recipients complained about the mail.',
  data: t.readonly(
    t.type({
      ...ofEmail,
      recipients: Recipients,
      ...report,
      /** `abuse`, `fraud`, `virus`, `not-spam`, `other`, or what else it was called. */
      feedback: text(1, 100),
    }),
  ),
});
export type RecipientsComplained = EventOf<typeof RecipientsComplained>;

export const RecipientsAcknowledged = defineEvent({
  type: 'RecipientsAcknowledged',
  doc: 'A read receipt came back (RFC 8098): what these recipients did with the mail, or their program.',
  data: t.readonly(
    t.type({
      ...ofEmail,
      recipients: Recipients,
      ...report,
      /** `displayed` is read; `deleted`, `dispatched`, `processed` and older words as they were written. */
      disposition: text(1, 100),
      /** Nobody did it by hand. */
      isAutomatic: t.boolean,
    }),
  ),
});
export type RecipientsAcknowledged = EventOf<typeof RecipientsAcknowledged>;

export const outboundEvents = [
  EmailQueued,
  TransmissionBegun,
  RecipientsDelivered,
  RecipientsDeliveredInternally,
  RecipientsDeferred,
  RecipientsFailed,
  RecipientsOutcomeUnknown,
  RecipientsRetried,
  RecipientsCancelled,
  RecipientsDismissed,
  RecipientsReported,
  RecipientsComplained,
  RecipientsAcknowledged,
] as const;
export type OutboundEvent = EventOf<(typeof outboundEvents)[number]>;
