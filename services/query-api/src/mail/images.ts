/** Pictures from elsewhere, fetched for who reads mail (mail-contract §2). */
import { getRemoteImage } from '@tidings/contracts/http/images';
import { derivedId, type UserId } from '@tidings/contracts/ids';
import { ImageRefused, type RemoteImage } from '@tidings/infra/remote-images/fetch-image';
import { createRemoteImages } from '@tidings/infra/remote-images/remote-images';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Actor } from '../../../http-kit/src/ctx.ts';
import { bytes } from '../../../http-kit/src/ctx.ts';
import { ApiError, invalid } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { assertMailbox } from './access.ts';
import type { ImageLinks } from './image-links.ts';

const MAX_BYTES = 5 * 1024 * 1024;
const TIMEOUT_MS = 10_000;
const KEPT_MS = 30 * 86_400_000;
const KEPT_BYTES = 64 * 1024 * 1024;
const AT_ONCE = 32;

export const registerImages = (app: FastifyInstance, platform: Platform, links: ImageLinks): void => {
  const { imageProxy, outbound } = platform.config;
  const guard = { allowPrivate: outbound.allowPrivate, allowHttp: true };
  const images = createRemoteImages({
    ...guard,
    timeoutMs: TIMEOUT_MS,
    maxBytes: MAX_BYTES,
    keptBytes: KEPT_BYTES,
    keptMs: KEPT_MS,
    atOnce: AT_ONCE,
  });

  handle(
    app,
    platform,
    getRemoteImage,
    async ({ actor, query: { url, mailboxId, signature }, reply }) => {
      if (!imageProxy) throw new ApiError('CONTENT_NOT_FOUND', 'Pictures from elsewhere are not fetched here.');
      // A signature was looked at before: whoever has the link was shown the mail.
      if (signature === undefined) await assertMailbox(platform, actor, mailboxId, 'read');
      if (!/^https?:\/\//i.test(url) || !URL.canParse(url))
        throw invalid([{ path: 'url', message: 'must be a URL that begins with https:// or http://' }]);
      void reply.headers({ 'content-security-policy': "default-src 'none'; sandbox", 'x-content-type-options': 'nosniff' });
      try {
        const image: RemoteImage = await images.get(url);
        void reply.header('cache-control', `private, max-age=${KEPT_MS / 1000}, immutable`);
        return bytes(image.bytes, image.type);
      } catch (error) {
        if (!(error instanceof ImageRefused)) throw error;
        void reply.headers({ 'tidings-image-refused': error.message, 'cache-control': 'no-store' });
        return bytes(NOTHING, 'image/gif');
      }
    },
    { reads: ['mailboxes'], identify: (request) => holderOf(request, links, platform.now) },
  );
};

/** One clear pixel. */
const NOTHING = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');

/** Nobody in particular, limited by the mailbox that the link is of; null for who comes without a signature. @throws ApiError 401 */
const holderOf = async (request: FastifyRequest, links: ImageLinks, now: () => number): Promise<Actor | null> => {
  const { signature, mailboxId, url, until } = request.query as Readonly<Record<string, unknown>>; // decoded only behind this
  if (signature === undefined) return null;
  const isText = (value: unknown): value is string => typeof value === 'string';
  const isGood =
    isText(signature) && isText(mailboxId) && isText(url) && isText(until) && (await links.isGood({ signature, mailboxId, url, until }));
  if (!isGood) throw new ApiError('UNAUTHORIZED', 'The link is not valid, or no longer.');
  const userId = derivedId<UserId>('image-link', mailboxId);
  return { userId, displayName: '', email: null, roles: [], isAdmin: false, clientId: null, expiresAt: now() };
};
