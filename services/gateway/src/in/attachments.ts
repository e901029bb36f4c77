/** Files of a mail as media that messages point to: pictures are encoded anew, as if they were uploaded. */
import type { Part } from '@tidings/contracts/events/email';
import type { MessageBody } from '@tidings/contracts/events/message';
import { MAX_MEDIA_BYTES, mediaPath, mediaTypeOf } from '@tidings/contracts/http/media';
import { type CommandId, derivedId, type GatewayMailId, type MediaId, type UserId } from '@tidings/contracts/ids';
import { media, mediaKey } from '@tidings/domain/media/index';
import { appendAfter } from '@tidings/infra/blobs/append-after';
import { ImageRefused, type Images } from '@tidings/infra/images/images';
import type { Mime } from '@tidings/infra/mime/mime';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Platform } from '../../../platform/src/platform.ts';

/** More than these stay in the mail alone, which is kept whole. */
const MOST_FILES = 20;

export interface AttachmentParts {
  readonly platform: Pick<Platform, 'blobs' | 'commands'>;
  readonly mime: Pick<Mime, 'part'>;
  readonly images: Images;
}

interface Files {
  readonly mailId: GatewayMailId;
  readonly raw: Uint8Array;
  readonly files: readonly Part[];
  readonly by: UserId;
}

/** A message for each file; none for a picture that is refused, and for what is too large. Once more makes the same ones. */
export const mediaOf = async (parts: AttachmentParts, { mailId, raw, files, by }: Files): Promise<readonly MessageBody[]> => {
  const bodies: MessageBody[] = [];
  for (const file of files.slice(0, MOST_FILES)) {
    const bytes = file.size > MAX_MEDIA_BYTES ? null : await parts.mime.part(raw, file.partId);
    const body = bytes === null ? null : await keep(parts, mailId, file, bytes, by);
    if (body !== null) bodies.push(body);
  }
  return bodies;
};

const keep = async (
  { platform, images }: AttachmentParts,
  mailId: GatewayMailId,
  { partId, name }: Part,
  bytes: Uint8Array,
  uploadedBy: UserId,
): Promise<MessageBody | null> => {
  const mediaId = derivedId<MediaId>('gateway-media', mailId, partId);
  const folder = await mkdtemp(join(tmpdir(), 'tidings-gateway-'));
  try {
    const received = join(folder, 'file');
    await writeFile(received, bytes);
    const seen = await images.media(received);
    const { path, width, height } = seen.type === 'picture' ? seen : { path: received, width: null, height: null };
    const { id: blobId, size } = await platform.blobs.put(createReadStream(path));
    const { mimeType } = seen;
    const shownAs = name === null || name === '' ? null : name.slice(0, 255);
    // An earlier try may have encoded the picture to other bytes: then the file is there already.
    await appendAfter(platform.blobs, blobId, () =>
      platform.commands.transact(
        media,
        mediaKey(mediaId),
        { type: 'UploadMedia', mediaId, uploadedBy, blobId, mimeType, size, width, height, name: shownAs },
        { commandId: derivedId<CommandId>('gateway-media', mediaId) },
      ),
    );
    return { type: 'Media', mediaUrl: mediaPath(mediaId), mediaType: mediaTypeOf(mimeType), mimeType, altText: shownAs };
  } catch (error) {
    if (error instanceof ImageRefused) return null;
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
