/** An email as HTTP shows it (mail-contract §2). */
import type { EmailContent, Part } from '@tidings/contracts/events/email';
import type { Email, EmailPart, MailAddress } from '@tidings/contracts/http/mail-objects';
import type { HeldEmail } from './queries.ts';

/** @param bodyValues by part id, ready to be shown */
export const emailView = (held: HeldEmail, bodyValues: Email['bodyValues']): Email => {
  const content = held.content ?? ERASED;
  return {
    id: held.emailId,
    threadId: held.threadId,
    mailboxId: held.mailboxId,
    blobId: held.blobId,
    size: held.size,
    messageId: content.messageId,
    inReplyTo: content.inReplyTo,
    references: content.references,
    from: content.from,
    sender: content.sender,
    replyTo: content.replyTo,
    to: content.to,
    cc: content.cc,
    bcc: [...content.bcc, ...unnamed(held.envelopeTo ?? [], content)],
    subject: content.subject,
    sentAt: content.sentAt as Email['sentAt'], // written by `timestamp`-like code when the mail was read: canonical
    receivedAt: held.receivedAt,
    preview: content.preview,
    textBody: content.textBody.map(partView),
    htmlBody: content.htmlBody.map(partView),
    attachments: content.attachments.map(partView),
    bodyValues,
    direction: held.direction,
    authentication: { spf: 'none', dkim: 'none', dmarc: 'none', arc: 'none', verdict: 'none' },
    spam: { verdict: 'none', score: null, reasons: [] },
    deliveries: [],
  };
};

const ERASED: EmailContent = {
  messageId: null,
  inReplyTo: [],
  references: [],
  from: [],
  sender: [],
  replyTo: [],
  to: [],
  cc: [],
  bcc: [],
  subject: '',
  sentAt: null,
  preview: '',
  textBody: [],
  htmlBody: [],
  attachments: [],
};

/** Recipients of the envelope that no header names were in Bcc (mail-contract §4). */
const unnamed = (envelope: readonly string[], { to, cc, bcc }: EmailContent): readonly MailAddress[] => {
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
