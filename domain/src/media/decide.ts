/** A file for messages to point to, uploaded once. Its bytes are durable before this is asked. */
import type { BlobId, MediaId, UserId } from '@tidings/contracts/ids';
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import { type MediaEvent, mediaUploaded } from './events.ts';
import type { State } from './state.ts';

export interface Command {
  readonly type: 'UploadMedia';
  readonly mediaId: MediaId;
  readonly uploadedBy: UserId;
  readonly blobId: BlobId;
  readonly mimeType: string;
  readonly size: number;
  /** Of images, in pixels. */
  readonly width: number | null;
  readonly height: number | null;
  /** As the uploader's device calls the file. */
  readonly name: string | null;
}

export type Rejection = { readonly type: 'MediaIdReused'; readonly mediaId: MediaId };

export const decide = (command: Command, state: State): Either<Rejection, readonly MediaEvent[]> => {
  const { type: _, ...file } = command;
  if (state.kind === 'none') return right([mediaUploaded(file)]);
  const same = state.file.uploadedBy === file.uploadedBy && state.file.blobId === file.blobId;
  return same ? right([]) : left({ type: 'MediaIdReused', mediaId: file.mediaId });
};
