/** The way of every mail into mailboxes, from the network or from one of ours: the bytes are durable already, now the event is. */
import type { EmailReceived, Envelope } from '@tidings/contracts/events/email';
import { type CommandId, derivedId, type EmailId, type MailboxId, subjectId, type ThreadId } from '@tidings/contracts/ids';
import type { BlobStore, StoredBlob } from '@tidings/contracts/ports/blob-store';
import type { SubjectKeys } from '@tidings/contracts/ports/subject-keys';
import { email, emailKey } from '@tidings/domain/email/index';
import { appendAfter } from '@tidings/infra/blobs/append-after';
import type { Commands } from '@tidings/infra/commands/commands';
import * as E from 'fp-ts/lib/Either.js';

export interface MailRecipient {
  readonly mailboxId: MailboxId;
  /** As it was written. */
  readonly address: string;
}

export interface MailToReceive {
  readonly emailId: EmailId;
  readonly blob: StoredBlob;
  readonly mailFrom: string;
  readonly helo: string;
  readonly clientAddress: string;
  readonly recipients: readonly MailRecipient[];
  readonly origin?: 'internal';
  /** Where it belongs. */
  readonly threadId?: ThreadId;
  readonly traceId?: string;
}

interface Parts {
  readonly blobs: Pick<BlobStore, 'has'>;
  readonly commands: Commands;
  readonly keys: SubjectKeys;
}

/**
 * Once more with the same id changes nothing.
 * @returns those who have it: a mailbox that was erased meanwhile has no key, and takes nothing
 * @throws what the log and the blobs throw when they are out of reach: nobody has it then
 */
export const receiveEmail = async (parts: Parts, mail: MailToReceive): Promise<readonly MailRecipient[]> => {
  const { emailId, blob, origin, threadId, traceId } = mail;
  const found = await parts.keys.obtain([...new Set(mail.recipients.map(({ mailboxId }) => subjectId(mailboxId)))]);
  const recipients = mail.recipients.filter(({ mailboxId }) => found.get(subjectId(mailboxId)) !== null);
  if (recipients.length === 0) return [];
  const received = await appendAfter(parts.blobs, blob.id, () =>
    parts.commands.transact(
      email,
      emailKey(emailId),
      {
        ...{ type: 'ReceiveEmail', emailId, blobId: blob.id, size: blob.size, recipients: perMailbox({ ...mail, recipients }) },
        ...(origin === undefined ? {} : { origin }),
        ...(threadId === undefined ? {} : { threadId }),
      },
      { commandId: derivedId<CommandId>('receive-email', emailId), ...(traceId === undefined ? {} : { traceId }) },
    ),
  );
  // The id is new, or derived from the very mail: only a broken random source could have used it for another one.
  if (E.isLeft(received)) throw new Error(`${received.left.type}: ${received.left.emailId}`);
  return recipients;
};

/** A mailbox named by several of its addresses gets the mail once; each mailbox sees only its own recipients (Bcc). */
const perMailbox = ({ recipients, mailFrom, helo, clientAddress }: MailToReceive): EmailReceived['data']['recipients'] =>
  [...Map.groupBy(recipients, ({ mailboxId }) => mailboxId)].map(([mailboxId, named]) => {
    const envelope: Envelope = { mailFrom, rcptTo: named.map(({ address }) => address), helo, clientAddress };
    return { mailboxId, envelope };
  });
