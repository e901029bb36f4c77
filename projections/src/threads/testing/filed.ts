/** Filed emails for tests: everything is ordinary but what a test says. */
import type { EmailContent } from '@tidings/contracts/events/email';
import type { EmailFiled } from '@tidings/contracts/events/thread';
import type { BlobId, EmailId, MailboxId, ThreadId } from '@tidings/contracts/ids';

export const mailContent = (subject: string, from = 'writer@elsewhere.test', preview = `About ${subject}`): EmailContent => ({
  messageId: null,
  inReplyTo: [],
  references: [],
  from: [{ name: null, email: from }],
  to: [],
  cc: [],
  subject,
  sentAt: null,
  preview,
  hasAttachments: false,
});

export const filed = (
  which: { readonly threadId: ThreadId; readonly mailboxId: MailboxId; readonly emailId: EmailId } & Partial<EmailFiled['data']>,
): EmailFiled => ({
  type: 'EmailFiled',
  data: {
    blobId: 'a'.repeat(64) as BlobId,
    bodyBlobId: 'c'.repeat(64) as BlobId,
    size: 100,
    direction: 'in',
    place: 'inbox',
    startsThread: false,
    messageIdReused: false,
    envelope: null,
    content: mailContent('Hello'),
    ...which,
  },
});
