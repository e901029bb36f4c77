/** Mails for tests of search: as events, as the blobs beside them, and as plain objects to look through. */
import type { Address } from '@tidings/contracts/events/email';
import type { TidingsEvent } from '@tidings/contracts/events/index';
import type { Place } from '@tidings/contracts/events/thread';
import { derivedId, type BlobId, type EmailId, type MailboxId, type ThreadId, type UserId } from '@tidings/contracts/ids';
import type { MailText, MailTexts } from '@tidings/contracts/ports/mail-search';

export const mailboxOf = (n: number): MailboxId => derivedId<MailboxId>('search-mailbox', n);
export const emailOf = (n: number): EmailId => derivedId<EmailId>('search-email', n);
export const threadOf = (n: number): ThreadId => derivedId<ThreadId>('search-thread', n);
export const reader = derivedId<UserId>('search-reader', 0);

export interface WrittenMail {
  readonly mailbox?: number;
  readonly thread?: number;
  readonly subject?: string;
  readonly body?: string;
  readonly files?: readonly string[];
  readonly from?: readonly Address[];
  readonly to?: readonly Address[];
  readonly cc?: readonly Address[];
  readonly bcc?: readonly Address[];
  readonly size?: number;
  readonly place?: Place;
  readonly direction?: 'in' | 'out';
}

/** Texts as filing would have stored them. */
export class WrittenTexts implements MailTexts {
  readonly #texts = new Map<BlobId, MailText>();

  put(n: number, { body = '', files = [], bcc = [] }: WrittenMail): BlobId {
    const id = n.toString(16).padStart(64, '0') as BlobId; // 64 hex digits, as a hash has
    this.#texts.set(id, { body, files, bcc });
    return id;
  }

  async read(id: BlobId): Promise<MailText | null> {
    return this.#texts.get(id) ?? null;
  }
}

export const filed = (n: number, mail: WrittenMail, texts: WrittenTexts): TidingsEvent => ({
  type: 'EmailFiled',
  data: {
    threadId: threadOf(mail.thread ?? n),
    mailboxId: mailboxOf(mail.mailbox ?? 0),
    emailId: emailOf(n),
    blobId: 'a'.repeat(64) as BlobId, // nobody looks at the bytes
    bodyBlobId: texts.put(n, mail),
    size: mail.size ?? 1_000,
    direction: mail.direction ?? 'in',
    place: mail.place ?? 'inbox',
    startsThread: mail.thread === undefined,
    messageIdReused: false,
    envelope: null,
    content: {
      messageId: null,
      inReplyTo: [],
      references: [],
      from: mail.from ?? [],
      to: mail.to ?? [],
      cc: mail.cc ?? [],
      subject: mail.subject ?? '',
      sentAt: null,
      preview: '',
      hasAttachments: (mail.files ?? []).length > 0,
    },
  },
});
