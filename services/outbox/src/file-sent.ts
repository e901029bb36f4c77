/** A mail that goes out stands in its thread as sent. */
import type { EmailContent } from '@tidings/contracts/events/email';
import type { BlobId, EmailId, MailboxId, ThreadId } from '@tidings/contracts/ids';
import { previewOf } from '@tidings/domain/mail/preview';
import { type EmailToFile, thread, threadKey } from '@tidings/domain/thread/index';
import type { CommandContext } from '@tidings/infra/event-store/event-store';
import { type Mime, storeBodies } from '@tidings/infra/mime/mime';
import * as E from 'fp-ts/lib/Either.js';
import type { Platform } from '../../platform/src/platform.ts';

export interface SentMail {
  readonly threadId: ThreadId;
  readonly mailboxId: MailboxId;
  readonly emailId: EmailId;
  readonly rawBlobId: BlobId;
  readonly size: number;
  readonly from: string;
  readonly recipients: readonly string[];
}

/**
 * Once more changes nothing.
 * @returns why the thread does not take it; null when it is there
 * @throws for outages, which pass
 */
export const fileSent = async (
  { commands, blobs }: Pick<Platform, 'commands' | 'blobs'>,
  mime: Mime,
  { threadId, mailboxId, emailId, rawBlobId, size, from, recipients }: SentMail,
  context: CommandContext,
): Promise<string | null> => {
  const { content: said, details, opening, bodies } = await mime.parse(await blobs.read(rawBlobId));
  const content = { ...said, preview: previewOf(opening) };
  const email: EmailToFile = {
    ...{ threadId, mailboxId, emailId, blobId: rawBlobId, bodyBlobId: await storeBodies(blobs, { details, bodies }), size },
    ...{ direction: 'out', place: 'sent', messageIdReused: false, content },
    envelope: envelopeBeside(from, recipients, content),
  };
  const filed = await commands.transact(thread, threadKey(threadId), { type: 'FileEmail', email }, context);
  return E.isLeft(filed) ? filed.left.type : null;
};

/** Addresses of it in characters: an event has room for so much. All of them are in the outbound stream. */
const MOST_ADDRESS_CHARS = 40_000;

/** Blind copies, which only the sender's own mailbox sees: what it shares with others is told without (docs/decisions/028). */
const envelopeBeside = (from: string, recipients: readonly string[], { to, cc }: EmailContent): EmailToFile['envelope'] => {
  const named = new Set([...to, ...cc].map(({ email }) => email.toLowerCase()));
  let room = MOST_ADDRESS_CHARS;
  const rcptTo = recipients.filter((address) => !named.has(address.toLowerCase()) && (room -= address.length) >= 0);
  return rcptTo.length === 0 ? null : { mailFrom: from, rcptTo, helo: '', clientAddress: '' };
};
