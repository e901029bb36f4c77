/**
 * Where the content of a draft is. Autosaves come by the minute, so what is long does not go into the log each time but into a blob, which goes
 * again with the next save (docs/decisions/039).
 */
import { decode } from '@tidings/contracts/codec';
import { DraftContent } from '@tidings/contracts/events/draft';
import type { BlobId } from '@tidings/contracts/ids';
import type { BlobStore } from '@tidings/contracts/ports/blob-store';
import * as E from 'fp-ts/lib/Either.js';

/** JSON octets of a content that goes into the event. */
export const IN_EVENT_BYTES = 8 * 1024;

export interface PlacedContent {
  readonly content: DraftContent | null;
  readonly contentBlobId: BlobId | null;
}

/** The same content goes to the same place. @throws BlobStoreUnavailable */
export const placeContent = async (blobs: Pick<BlobStore, 'put'>, content: DraftContent): Promise<PlacedContent> => {
  const bytes = Buffer.from(JSON.stringify(content));
  if (bytes.byteLength <= IN_EVENT_BYTES) return { content, contentBlobId: null };
  return { content: null, contentBlobId: (await blobs.put(bytes, { thenAppended: true })).id };
};

/** Null once it is erased. @throws BlobNotFound, BlobStoreUnavailable */
export const readContent = async (
  blobs: Pick<BlobStore, 'read'>,
  { content, contentBlobId }: PlacedContent,
): Promise<DraftContent | null> => {
  if (contentBlobId === null) return content;
  const decoded = decode(DraftContent, JSON.parse((await blobs.read(contentBlobId)).toString('utf8')));
  if (E.isLeft(decoded)) throw new Error(`blob ${contentBlobId} holds no draft: ${decoded.left.map(({ path }) => path).join(', ')}`);
  return decoded.right;
};
