/** SMTP acceptance (architecture §5): the bytes are durable, then the event is durable, then the peer hears 250. */
import type { Readable } from 'node:stream';
import type { EmailReceived, Envelope } from '@tidings/contracts/events/email';
import { derivedId, subjectId, type BlobId, type CommandId, type EmailId, type MailboxId } from '@tidings/contracts/ids';
import type { BlobStore, StoredBlob } from '@tidings/contracts/ports/blob-store';
import type { SubjectKeys } from '@tidings/contracts/ports/subject-keys';
import { email, emailKey } from '@tidings/domain/email/index';
import { appendAfter } from '@tidings/infra/blobs/append-after';
import type { Commands } from '@tidings/infra/commands/commands';
import { either as E } from 'fp-ts';
import { v7 } from 'uuid';
import { replies } from './reply.ts';
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
  const recipients = await stillThere(transaction.recipients, to.keys);
  if (recipients.length === 0) {
    to.discard(blob.id);
    throw replies.unknownRecipient();
  }
  // Grows with time, so that the newest streams lie side by side in the log's indexes.
  const emailId = v7() as EmailId;
  const received = await appendAfter(to.blobs, blob.id, () =>
    to.commands.transact(
      email,
      emailKey(emailId),
      { type: 'ReceiveEmail', emailId, blobId: blob.id, size: blob.size, recipients: perMailbox({ ...transaction, recipients }) },
      { commandId: derivedId<CommandId>('receive-email', emailId), traceId: transaction.traceId },
    ),
  );
  // The id is new: only a broken random source could have used it for another mail.
  if (E.isLeft(received)) throw new Error(`${received.left.type}: ${received.left.emailId}`);
  return { emailId, blob };
};

/** A message may take minutes to come in; a mailbox that was erased meanwhile has no key, and takes nothing. */
const stillThere = async (recipients: Transaction['recipients'], keys: SubjectKeys): Promise<Transaction['recipients']> => {
  const found = await keys.obtain([...new Set(recipients.map(({ mailboxId }) => subjectId(mailboxId)))]);
  return recipients.filter(({ mailboxId }) => found.get(subjectId(mailboxId)) !== null);
};

/** A mailbox named by several of its addresses gets the mail once; each mailbox sees only its own recipients (Bcc). */
const perMailbox = ({ recipients, mailFrom, helo, clientAddress }: Transaction): EmailReceived['data']['recipients'] =>
  [...Map.groupBy(recipients, ({ mailboxId }) => mailboxId)].map(([mailboxId, named]) => {
    const envelope: Envelope = { mailFrom, rcptTo: named.map(({ address }) => address), helo, clientAddress };
    return { mailboxId, envelope };
  });
