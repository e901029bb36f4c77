/** Uploaded files and the pictures of rooms, for who may see them. To all others they look like what does not exist. */
import { getMedia, getRoomImage } from '@tidings/contracts/http/media';
import type { MediaId, UserId } from '@tidings/contracts/ids';
import { fileById, roomImage, shownBy, type StoredFile } from '@tidings/projections/media/index';
import { relationsTo } from '@tidings/projections/relationships/index';
import type { FastifyInstance } from 'fastify';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { downloadHeaders, safeType } from '../mail/download.ts';
import { sendStored } from './stored.ts';

const YEAR = 365 * 24 * 60 * 60;

export const registerMedia = (app: FastifyInstance, platform: Platform): void => {
  handle(
    app,
    platform,
    getMedia,
    async ({ actor, params: { mediaId }, request, reply }) => {
      // Who hears of a message may be faster than the read model of files: what is not there is looked for again as of now.
      const file =
        (await fileFor(platform, actor.userId, mediaId)) ??
        ((await catchUp(platform)) ? await fileFor(platform, actor.userId, mediaId) : null);
      if (file === null) throw new ApiError('CONTENT_NOT_FOUND', 'There is no such file for you.');
      const isPicture = file.mimeType.startsWith('image/');
      const name = file.name ?? mediaId;
      const headers = downloadHeaders(name);
      void reply.headers(headers);
      if (isPicture) void reply.header('content-disposition', headers['content-disposition'].replace(/^attachment/, 'inline'));
      // Who may see it can change: ask again, and be told cheaply that it is the same.
      void reply.header('cache-control', 'private, no-cache');
      return sendStored(platform.blobs, request, reply, { ...file, name, mimeType: safeType(file.mimeType, 'utf-8') });
    },
    { reads: ['media', 'relationships'] },
  );

  handle(
    app,
    platform,
    getRoomImage,
    async ({ actor, params: { roomId }, query: { v }, request, reply }) => {
      const image = await platform.read.maybeOne(roomImage(platform.liveSchema('media'), roomId, actor.userId));
      if (image === null) throw new ApiError('CONTENT_NOT_FOUND', 'There is no such picture for you.');
      const isVersioned = v !== undefined && v !== '' && image.blobId.startsWith(v);
      void reply.headers({
        'cache-control': isVersioned ? `private, max-age=${YEAR}, immutable` : 'private, no-cache',
        'x-content-type-options': 'nosniff',
      });
      return sendStored(platform.blobs, request, reply, { ...image, name: null });
    },
    { reads: ['media'] },
  );
};

/** Null where there is none that they may see. */
const fileFor = async (platform: Platform, viewer: UserId, id: MediaId): Promise<StoredFile | null> => {
  const file = await platform.read.maybeOne(fileById(platform.liveSchema('media'), id));
  return file !== null && (await maySee(platform, viewer, id, file)) ? file : null;
};

const CATCH_UP_MS = 1_000;
/** Whether files are known as far as the log goes. */
const catchUp = async ({ log, freshness }: Platform): Promise<boolean> => {
  const known = log.shards.map(async (shard) => freshness.waitFor(await log.head(shard), ['media'], CATCH_UP_MS));
  return (await Promise.all(known)).every((isKnown) => isKnown);
};

/** Its uploader may; and who is shown it, in a group by somebody they have not blocked. */
const maySee = async (platform: Platform, viewer: UserId, id: MediaId, { uploadedBy }: StoredFile): Promise<boolean> => {
  if (uploadedBy === viewer) return true;
  const shown = await platform.read.any(shownBy(platform.liveSchema('media'), id, viewer));
  const inGroups = shown.filter(({ isGroup }) => isGroup).map(({ senderId }) => senderId);
  if (inGroups.length < shown.length) return true;
  if (inGroups.length === 0) return false;
  const relations = await platform.read.any(relationsTo(platform.liveSchema('relationships'), viewer, inGroups));
  const blocked = new Set(relations.flatMap(({ otherId, relation }) => (relation === 'CLIENT_BLOCKED' ? [otherId] : [])));
  return inGroups.some((sender) => !blocked.has(sender));
};
