/** SMTP acceptance (architecture §5): the bytes are durable, then the event is durable, then the peer hears 250. */
import type { Readable } from 'node:stream';
import type { EmailReceived, Envelope } from '@tidings/contracts/events/email';
import { derivedId, type CommandId, type EmailId, type MailboxId } from '@tidings/contracts/ids';
import type { BlobStore, StoredBlob } from '@tidings/contracts/ports/blob-store';
import { email, emailKey } from '@tidings/domain/email/index';
import { appendAfter } from '@tidings/infra/blobs/append-after';
import type { Commands } from '@tidings/infra/commands/commands';
import { either as E } from 'fp-ts';
import { v7 } from 'uuid';
import { takeMessage } from './take-message.ts';

/** What the session said about one message. */
export interface Transaction {
  readonly mailFrom: string;
  readonly helo: string;
  readonly clientAddress: string;
  readonly recipients: readonly { readonly mailboxId: MailboxId; readonly address: string }[];
  readonly traceId: string;
}

export interface Accepted {
  readonly emailId: EmailId;
  readonly blob: StoredBlob;
}

/**
 * Bytes are kept exactly as they came: nothing is prepended, what a trace header would say is in the event.
 * @throws Reply, and what blobs and log throw when they are out of reach: the mail is not accepted then, and the peer keeps it
 */
export const accept = async (
  message: Readable,
  transaction: Transaction,
  to: { readonly blobs: BlobStore; readonly commands: Commands; readonly maxBytes: number },
): Promise<Accepted> => {
  const blob = await takeMessage(message, to.blobs, to.maxBytes);
  // Grows with time, so that the newest streams lie side by side in the log's indexes.
  const emailId = v7() as EmailId;
  const received = await appendAfter(to.blobs, blob.id, () =>
    to.commands.transact(
      email,
      emailKey(emailId),
      { type: 'ReceiveEmail', emailId, blobId: blob.id, size: blob.size, recipients: perMailbox(transaction) },
      { commandId: derivedId<CommandId>('receive-email', emailId), traceId: transaction.traceId },
    ),
  );
  // The id is new: only a broken random source could have used it for another mail.
  if (E.isLeft(received)) throw new Error(`${received.left.type}: ${received.left.emailId}`);
  return { emailId, blob };
};

/** A mailbox named by several of its addresses gets the mail once; each mailbox sees only its own recipients (Bcc). */
const perMailbox = ({ recipients, mailFrom, helo, clientAddress }: Transaction): EmailReceived['data']['recipients'] =>
  [...Map.groupBy(recipients, ({ mailboxId }) => mailboxId)].map(([mailboxId, named]) => {
    const envelope: Envelope = { mailFrom, rcptTo: named.map(({ address }) => address), helo, clientAddress };
    return { mailboxId, envelope };
  });
