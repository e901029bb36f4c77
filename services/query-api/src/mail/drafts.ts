/** Drafts, and files that were uploaded for them. */
import { getBlob, getDraft, listDrafts } from '@tidings/contracts/http/drafts';
import { MAIL_PAGE } from '@tidings/contracts/http/mail';
import { DraftId } from '@tidings/contracts/ids';
import { BlobNotFound } from '@tidings/contracts/ports/blob-store';
import { Timestamp } from '@tidings/contracts/time';
import { may } from '@tidings/domain/authorization/may';
import { draftById, draftListed, draftsIn, draftView } from '@tidings/projections/drafts/index';
import { roleIn } from '@tidings/projections/mailboxes/index';
import type { FastifyInstance } from 'fastify';
import * as t from 'io-ts';
import { bytes } from '../../../http-kit/src/ctx.ts';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { readContent } from '../../../platform/src/draft-content.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { FILE_READS, readableFile } from '../../../platform/src/readable-files.ts';
import { decodeCursor } from '../chat/cursor.ts';
import { elsewhere } from '../elsewhere.ts';
import { assertMailbox } from './access.ts';
import { downloadHeaders, safeType } from './download.ts';
import { mailPage } from './page.ts';

const DraftCursor = t.readonly(t.type({ at: Timestamp, id: DraftId }));

export const registerDrafts = (app: FastifyInstance, platform: Platform): void => {
  handle(
    app,
    platform,
    listDrafts,
    async ({ actor, params: { mailboxId }, query: { cursor, limit = MAIL_PAGE } }) => {
      await assertMailbox(platform, actor, mailboxId, 'read');
      const after = decodeCursor(DraftCursor, cursor) ?? null;
      const found = await platform.read.any(draftsIn(platform.liveSchema('drafts'), mailboxId, after, limit + 1));
      return mailPage(found, limit, ({ updatedAt, draftId }) => ({ at: updatedAt, id: draftId }), found.map(draftListed));
    },
    { reads: ['mailboxes', 'drafts'] },
  );

  handle(
    app,
    platform,
    getDraft,
    async ({ actor, params: { draftId }, reply }) => {
      const row = await platform.read.maybeOne(draftById(platform.liveSchema('drafts'), draftId));
      const found =
        row === null ? null : await platform.read.maybeOne(roleIn(platform.liveSchema('mailboxes'), actor.userId, row.mailboxId));
      if (row === null || found === null || !may(actor, 'read', { kind: 'mailbox', ...found })) {
        throw new ApiError('CONTENT_NOT_FOUND', 'There is no such draft among yours.');
      }
      void reply.header('etag', `"${row.revision}"`);
      return draftView(row, await readContent(platform.blobs, row));
    },
    { reads: ['mailboxes', 'drafts'] },
  );

  handle(
    app,
    platform,
    getBlob,
    async ({ actor, params: { blobId }, request, reply }) => {
      const file = await readableFile(platform, actor.userId, blobId);
      if (file === null) throw noSuchFile();
      const [name, type] = [file.name ?? blobId, safeType(file.type, null)];
      const redirect = await elsewhere(platform.blobs, request, reply, { id: blobId, size: file.size, name, type });
      if (redirect !== null) return redirect;
      try {
        const source = await platform.blobs.get(blobId);
        void reply.headers({ ...downloadHeaders(name), 'content-length': String(file.size) });
        return bytes(source, type);
      } catch (error) {
        if (error instanceof BlobNotFound) throw noSuchFile(); // it was let go of meanwhile
        throw error;
      }
    },
    { reads: FILE_READS },
  );
};

const noSuchFile = (): ApiError => new ApiError('CONTENT_NOT_FOUND', 'There is no such file among yours.');
