/** Stream `media-<mediaId>`: a file that messages may point to. The bytes are a blob; this says whose it is and what it is. */
import * as t from 'io-ts';
import { int, nullable, text } from '../codec.ts';
import { BlobId, MediaId, UserId } from '../ids.ts';
import { sealed } from '../sealed.ts';
import { defineEvent, type EventOf } from './definition.ts';

export const MediaUploaded = defineEvent({
  type: 'MediaUploaded',
  doc: 'A user uploaded a file; images were re-encoded before, so that nothing hides in them.',
  data: t.readonly(
    t.type({
      mediaId: MediaId,
      uploadedBy: UserId,
      blobId: BlobId,
      mimeType: text(1, 255),
      size: int(0),
      width: nullable(int(1)),
      height: nullable(int(1)),
      name: sealed(nullable(text(1, 255))),
    }),
  ),
  personal: [{ subject: 'uploadedBy', fields: ['name'] }],
});
export type MediaUploaded = EventOf<typeof MediaUploaded>;

export const mediaEvents = [MediaUploaded] as const;
export type MediaEvent = EventOf<(typeof mediaEvents)[number]>;
