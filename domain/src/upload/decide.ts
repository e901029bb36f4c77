/** Files for mail of a mailbox, kept for a while until a draft uses them. The same bytes again are the same upload. */
import type { BlobId, MailboxId, UserId } from '@tidings/contracts/ids';
import { type Either, right } from 'fp-ts/lib/Either.js';
import { blobUploaded, type UploadEvent, uploadForgotten } from './events.ts';
import type { State } from './state.ts';

export type Command =
  | {
      readonly type: 'UploadBlob';
      readonly mailboxId: MailboxId;
      readonly blobId: BlobId;
      readonly size: number;
      readonly mimeType: string;
      readonly name: string | null;
      readonly by: UserId;
    }
  | { readonly type: 'ForgetUpload'; readonly mailboxId: MailboxId; readonly blobId: BlobId };

export const decide = (command: Command, state: State): Either<never, readonly UploadEvent[]> => {
  const { mailboxId, blobId } = command;
  if (command.type === 'ForgetUpload') return right(state.kind === 'kept' ? [uploadForgotten({ mailboxId, blobId })] : []);
  if (state.kind === 'kept') return right([]);
  const { size, mimeType, name, by } = command;
  return right([blobUploaded({ mailboxId, blobId, size, type: mimeType, name, by })]);
};
