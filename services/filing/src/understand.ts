/** From a received mail's bytes to what is filed: read in a worker, details and bodies kept as a blob of their own that all its mailboxes share. */
import type { EmailContent, EmailReceived } from '@tidings/contracts/events/email';
import type { BlobId } from '@tidings/contracts/ids';
import type { BlobStore } from '@tidings/contracts/ports/blob-store';
import { previewOf } from '@tidings/domain/mail/preview';
import { storeBodies, type Mime } from '@tidings/infra/mime/mime';

export interface Understood {
  readonly content: EmailContent;
  readonly contentHash: string;
  readonly bodyBlobId: BlobId;
  readonly fault: string | null;
}

/** @throws BlobStoreUnavailable, BlobNotFound; never for what is in the mail */
export const understand = async (email: EmailReceived['data'], blobs: BlobStore, mime: Mime): Promise<Understood> => {
  const { content, details, opening, bodies, contentHash, fault } = await mime.parse(await blobs.read(email.blobId));
  const bodyBlobId = await storeBodies(blobs, { details, bodies });
  return { content: { ...content, preview: previewOf(opening) }, contentHash, bodyBlobId, fault };
};
