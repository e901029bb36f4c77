/** SMTP acceptance (architecture §5): the bytes are durable, then the event is durable, then the peer hears 250. */
import type { Readable } from 'node:stream';
import { type BlobId, derivedId, type EmailId, type GatewayMailId, type MailboxId } from '@tidings/contracts/ids';
import type { BlobStore, StoredBlob } from '@tidings/contracts/ports/blob-store';
import type { SubjectKeys } from '@tidings/contracts/ports/subject-keys';
import type { Commands } from '@tidings/infra/commands/commands';
import { v7 } from 'uuid';
import { takeGatewayMail } from '../../platform/src/gateway/take-mail.ts';
import { type MailRecipient, receiveEmail } from '../../platform/src/receive-email.ts';
import { replies } from './reply.ts';
import { takeMessage } from './take-message.ts';

/** What the session said about one message. */
export interface Transaction {
  readonly mailFrom: string;
  readonly helo: string;
  readonly clientAddress: string;
  /** `mailboxId` is null for addresses of the gateway. */
  readonly recipients: readonly { readonly mailboxId: MailboxId | null; readonly address: string }[];
  readonly traceId: string;
}

export interface Accepted {
  readonly emailId: EmailId;
  readonly blob: StoredBlob;
}

export interface Stores {
  readonly blobs: BlobStore;
  readonly commands: Commands;
  readonly keys: SubjectKeys;
  readonly maxBytes: number;
  /** Lets go of bytes that came for nobody. */
  readonly discard: (blob: BlobId) => void;
}

/**
 * Bytes are kept exactly as they came: nothing is prepended, what a trace header would say is in the event.
 * @throws Reply, and what blobs and log throw when they are out of reach: the mail is not accepted then, and the peer keeps it
 */
export const accept = async (message: Readable, transaction: Transaction, to: Stores): Promise<Accepted> => {
  const blob = await takeMessage(message, to.blobs, to.maxBytes);
  // Grows with time, so that the newest streams lie side by side in the log's indexes.
  const emailId = v7() as EmailId;
  const { mailFrom, helo, clientAddress, recipients, traceId } = transaction;
  const forGateway = recipients.filter(({ mailboxId }) => mailboxId === null).map(({ address }) => address);
  const forMailboxes = recipients.flatMap(({ mailboxId, address }): readonly MailRecipient[] =>
    mailboxId === null ? [] : [{ mailboxId, address }],
  );
  if (forGateway.length > 0) {
    const envelope = { mailFrom, rcptTo: forGateway, helo, clientAddress };
    // Should the second half fail, the peer sends all of it again, and the gateway knows the mail by what it says.
    const mailId = derivedId<GatewayMailId>('smtp', emailId);
    const also = forMailboxes.length === 0 ? {} : { emailId };
    await takeGatewayMail(to, { mailId, door: 'smtp', blob, envelope, said: null, traceId, ...also });
  }
  const received =
    forMailboxes.length === 0
      ? []
      : await receiveEmail(to, { emailId, blob, mailFrom, helo, clientAddress, recipients: forMailboxes, traceId });
  if (received.length === 0 && forGateway.length === 0) {
    to.discard(blob.id);
    throw replies.unknownRecipient();
  }
  return { emailId, blob };
};
