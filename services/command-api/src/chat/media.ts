/** `POST /api/media`: keeps a file for messages to point to. A picture is encoded anew before anything of it is kept. */
import type { MediaUploaded } from '@tidings/contracts/events/media';
import { type Media, mediaPath, mediaTypeOf, uploadMedia } from '@tidings/contracts/http/media';
import { derivedId, type MediaId } from '@tidings/contracts/ids';
import { media, mediaKey } from '@tidings/domain/media/index';
import { appendAfter } from '@tidings/infra/blobs/append-after';
import type { Images } from '@tidings/infra/images/images';
import type { FastifyInstance } from 'fastify';
import { createReadStream } from 'node:fs';
import { handleForm } from '../../../http-kit/src/form.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import type { Platform } from '../../../platform/src/platform.ts';

const MEDIA_READS = ['media'];

export const registerMedia = (app: FastifyInstance, platform: Platform, images: Images): void => {
  handleForm(
    app,
    platform,
    uploadMedia,
    async ({ actor, body: received, operationId, context, retried, settle }) => {
      const mediaId = derivedId<MediaId>('media', operationId);
      if (retried) {
        const { state, position } = await platform.commands.load(media, mediaKey(mediaId));
        if (state.kind === 'uploaded') {
          await settle(position, MEDIA_READS);
          return mediaView(state.file);
        }
      }
      const seen = await images.media(received.path);
      const { path, width, height } = seen.type === 'picture' ? seen : { path: received.path, width: null, height: null };
      const { id: blobId, size } = await platform.blobs.put(createReadStream(path));
      const file = { mediaId, uploadedBy: actor.userId, blobId, mimeType: seen.mimeType, size, width, height, name: received.name };
      const uploaded = orReject(
        await appendAfter(platform.blobs, blobId, () =>
          platform.commands.transact(media, mediaKey(mediaId), { type: 'UploadMedia', ...file }, context),
        ),
      );
      await settle(uploaded.position, MEDIA_READS);
      return mediaView(file);
    },
    { idempotent: true },
  );
};

const mediaView = ({ mediaId, mimeType, size, width, height }: MediaUploaded['data']): Media => ({
  mediaId,
  mediaUrl: mediaPath(mediaId),
  mediaType: mediaTypeOf(mimeType),
  mimeType,
  size,
  width,
  height,
});
