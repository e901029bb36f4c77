/** Stream `upload-<mailboxId>.<blobId>`: a file that was uploaded for mail of a mailbox. */
import * as t from 'io-ts';
import { int, nullable, text } from '../codec.ts';
import { BlobId, MailboxId, UserId } from '../ids.ts';
import { sealed } from '../sealed.ts';
import { defineEvent, type EventOf } from './definition.ts';

export const BlobUploaded = defineEvent({
  type: 'BlobUploaded',
  doc: 'A file is there for drafts of a mailbox.',
  data: t.readonly(
    t.type({
      mailboxId: MailboxId,
      blobId: BlobId,
      size: int(0),
      type: text(1, 255),
      name: sealed(nullable(text(1, 255))),
      by: UserId,
    }),
  ),
  personal: [{ subject: 'mailboxId', fields: ['name'] }],
});
export type BlobUploaded = EventOf<typeof BlobUploaded>;

export const UploadForgotten = defineEvent({
  type: 'UploadForgotten',
  doc: 'An uploaded file is kept by nothing but what uses it.',
  data: t.readonly(t.type({ mailboxId: MailboxId, blobId: BlobId })),
});
export type UploadForgotten = EventOf<typeof UploadForgotten>;

export const uploadEvents = [BlobUploaded, UploadForgotten] as const;
export type UploadEvent = EventOf<(typeof uploadEvents)[number]>;
