/** The envelope of a mail that came in, which stands in the event that took it. */
import type { Envelope } from '@tidings/contracts/events/email';
import { type EmailId, type MailboxId, streamId } from '@tidings/contracts/ids';
import { reveal } from '@tidings/contracts/sealed';
import { email, emailKey } from '@tidings/domain/email/index';
import type { Platform } from './platform.ts';

/** What SMTP said about it for this mailbox; null for what never came that way, or is erased. */
export const envelopeFor = async (
  { events }: Pick<Platform, 'events'>,
  emailId: EmailId,
  mailboxId: MailboxId,
): Promise<Envelope | null> => {
  for (const event of await events.readStream(streamId(email.category, emailKey(emailId)))) {
    if (event.type !== 'EmailReceived') continue;
    const recipient = event.data.recipients.find((one) => one.mailboxId === mailboxId);
    if (recipient !== undefined) return reveal(recipient.envelope, null);
  }
  return null;
};
