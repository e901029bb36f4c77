/** Files that come in (chat-contract §1.4, §6). */
import { ImageRefused, type Images, ImagesBusy, ImagesUnavailable, openImages } from '@tidings/infra/images/images';
import type { FastifyInstance } from 'fastify';
import { ApiError, invalid } from '../../../http-kit/src/errors.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { registerMedia } from './media.ts';
import { registerRoomImage } from './room-image.ts';

export const registerUploads = (app: FastifyInstance, platform: Platform): void => {
  const images = openImages();
  app.addHook('onClose', () => images.close());
  registerMedia(app, platform, answering(images, 'file'));
  registerRoomImage(app, platform, answering(images, 'image'));
};

/** Faults of a picture as answers that name its field. */
const answering = (images: Images, field: string): Images => {
  const answered = <A>(made: Promise<A>): Promise<A> =>
    made.catch((error: unknown) => {
      if (error instanceof ImageRefused) throw invalid([{ path: field, message: error.message }]);
      if (error instanceof ImagesBusy || error instanceof ImagesUnavailable) {
        throw new ApiError('SERVICE_UNAVAILABLE', 'Files cannot be looked at just now. Try again shortly.', {
          headers: { 'retry-after': '5' },
          cause: error,
        });
      }
      throw error;
    });
  return {
    roomImage: (path) => answered(images.roomImage(path)),
    media: (path) => answered(images.media(path)),
    close: () => images.close(),
  };
};
