/** An email as HTTP shows it (mail-contract §2). */
import type { EmailContent, EmailDetails, Part } from '@tidings/contracts/events/email';
import type { Email, EmailPart, MailAddress } from '@tidings/contracts/http/mail-objects';
import type { HeldEmail } from './queries.ts';

/** What only a single mail's page shows, from the blob behind `bodyBlobId`. */
export interface EmailBodies {
  readonly details: EmailDetails;
  /** By part id, ready to be shown. */
  readonly bodyValues: Email['bodyValues'];
}

/** What was said to who wants to know whether it was read; null: nothing yet. */
export type ReceiptAnswer = NonNullable<Email['receiptRequest']>['answer'];

/** @param bodies null when they are not to be shown: the email is erased */
export const emailView = (
  held: HeldEmail,
  bodies: EmailBodies | null,
  deliveries: Email['deliveries'] = [],
  receipt: ReceiptAnswer = null,
): Email => {
  const content = held.content ?? ERASED;
  const { details, bodyValues } = bodies ?? NO_BODIES;
  return {
    id: held.emailId,
    threadId: held.threadId,
    mailboxId: held.mailboxId,
    blobId: held.blobId,
    size: held.size,
    messageId: content.messageId,
    messageIdReused: held.messageIdReused,
    inReplyTo: content.inReplyTo,
    references: content.references,
    from: content.from,
    sender: details.sender,
    replyTo: details.replyTo,
    to: content.to,
    cc: content.cc,
    bcc: [...details.bcc, ...unnamed(held.envelopeTo ?? [], content, details)],
    subject: content.subject,
    sentAt: content.sentAt as Email['sentAt'], // written by `timestamp`-like code when the mail was read: canonical
    receivedAt: held.receivedAt,
    preview: content.preview,
    textBody: details.textBody.map(partView),
    htmlBody: details.htmlBody.map(partView),
    attachments: details.attachments.map(partView),
    bodyValues,
    direction: held.direction,
    keywords: { $seen: held.seen, $flagged: held.flagged, $answered: held.answered, $forwarded: held.forwarded },
    authentication: details.authentication ?? UNCHECKED.authentication,
    spam: details.spam ?? UNCHECKED.spam,
    deliveries,
    receiptRequest: held.wasReceived && details.receiptTo !== undefined ? { to: details.receiptTo, answer: receipt } : null,
  };
};

const ERASED: EmailContent = {
  messageId: null,
  inReplyTo: [],
  references: [],
  from: [],
  to: [],
  cc: [],
  subject: '',
  sentAt: null,
  preview: '',
  hasAttachments: false,
};
const NO_BODIES: EmailBodies = {
  details: { sender: [], replyTo: [], bcc: [], textBody: [], htmlBody: [], attachments: [] },
  bodyValues: {},
};

const UNCHECKED: Pick<Email, 'authentication' | 'spam'> = {
  authentication: { spf: 'none', dkim: 'none', dmarc: 'none', arc: 'none', verdict: 'none' },
  spam: { verdict: 'none', score: null, reasons: [] },
};

/** Recipients of the envelope that no header names were in Bcc (mail-contract §4). */
export const unnamed = (
  envelope: readonly string[],
  { to, cc }: Pick<EmailContent, 'to' | 'cc'>,
  { bcc }: Pick<EmailDetails, 'bcc'>,
): readonly MailAddress[] => {
  const named = new Set([...to, ...cc, ...bcc].map(({ email }) => email.toLowerCase()));
  return [...new Set(envelope)].filter((recipient) => !named.has(recipient.toLowerCase())).map((email) => ({ name: null, email }));
};

const partView = ({ partId, name, type, charset, disposition, cid, size }: Part): EmailPart => ({
  partId,
  blobId: null,
  name,
  type,
  charset,
  disposition,
  cid,
  size,
});
