/** From the bytes of a mail to what is filed: read in worker threads as mail from outside is, and looked at by nobody: it is old. */
import type { EmailContent } from '@tidings/contracts/events/email';
import type { BlobId } from '@tidings/contracts/ids';
import type { BlobStore } from '@tidings/contracts/ports/blob-store';
import { previewOf } from '@tidings/domain/mail/preview';
import { type Mime, storeBodies } from '@tidings/infra/mime/mime';
import type { Room } from '../../filing/src/room.ts';
import { isPassing } from '../../filing/src/passing.ts';
import { isLost, type LostMail, type SourceMail } from './source.ts';

export interface UnderstoodMail extends Omit<SourceMail, 'raw'> {
  readonly blobId: BlobId;
  readonly bodyBlobId: BlobId;
  readonly size: number;
  readonly content: EmailContent;
  readonly contentHash: string;
}

/** @throws only for outages */
export const understandMail = async (
  mail: SourceMail | LostMail,
  { blobs, mime, room }: { readonly blobs: BlobStore; readonly mime: Mime; readonly room: Room },
): Promise<UnderstoodMail | LostMail> => {
  if (isLost(mail)) return mail;
  const { raw, ...rest } = mail;
  try {
    return await room(raw.length, async () => {
      const [stored, { content, details, opening, bodies, contentHash }] = await Promise.all([
        blobs.put(raw, { thenAppended: true }),
        mime.parse(raw),
      ]);
      const bodyBlobId = await storeBodies(blobs, { details, bodies });
      const { id: blobId, size } = stored;
      return { ...rest, blobId, bodyBlobId, size, content: { ...content, preview: previewOf(opening) }, contentHash };
    });
  } catch (error) {
    if (isPassing(error)) throw error;
    return { id: mail.id, place: mail.place, reason: error instanceof Error ? error.message : String(error) };
  }
};
