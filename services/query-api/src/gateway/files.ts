/** Files of chat messages that were too large for the mail that tells of them, for who has the link. */
import { getMailedFile } from '@tidings/contracts/http/gateway-out';
import { fileShownIn } from '@tidings/projections/media/index';
import type { FastifyInstance } from 'fastify';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { handlePublic } from '../../../http-kit/src/handle.ts';
import { openSignedLinks, type SignedLinks } from '../../../platform/src/gateway/signed-links.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { sendStored } from '../chat/stored.ts';
import { downloadHeaders, safeType } from '../mail/download.ts';

export const registerMailedFiles = (app: FastifyInstance, platform: Platform): void => {
  let opened: Promise<SignedLinks> | null = null;
  const links = (): Promise<SignedLinks> => {
    opened ??= openSignedLinks(platform.keys);
    opened.catch(() => (opened = null));
    return opened;
  };

  handlePublic(app, platform, getMailedFile, async ({ params: { token }, request, reply }) => {
    const link = (await links()).fileLink(token, platform.now());
    const file = link && (await platform.read.maybeOne(fileShownIn(platform.liveSchema('media'), link.messageId, link.mediaId)));
    if (file === null) throw new ApiError('CONTENT_NOT_FOUND', 'This link does not work, or no longer.');
    const name = file.name ?? 'file';
    void reply.headers({ ...downloadHeaders(name), 'cache-control': 'private, no-cache', 'referrer-policy': 'no-referrer' });
    return sendStored(platform.blobs, request, reply, { ...file, name, mimeType: safeType(file.mimeType, 'utf-8') });
  });
};
