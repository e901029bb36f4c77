/** `POST /api/blobs`: files for drafts. */
import { uploadBlob } from '@tidings/contracts/http/drafts';
import { upload, uploadKey } from '@tidings/domain/upload/index';
import { appendAfter } from '@tidings/infra/blobs/append-after';
import type { FastifyInstance } from 'fastify';
import { createReadStream } from 'node:fs';
import { detectMimeType } from 'nodemailer/lib/mime-funcs';
import { handleForm } from '../../../../http-kit/src/form.ts';
import { orReject } from '../../../../http-kit/src/rejections.ts';
import type { Platform } from '../../../../platform/src/platform.ts';
import { assertMay } from '../access.ts';

export const registerUploads = (app: FastifyInstance, platform: Platform): void => {
  handleForm(
    app,
    platform,
    uploadBlob,
    async ({ actor, query: { mailboxId }, body: { path, name, type: declared }, context, settle }) => {
      await assertMay(platform, actor, 'draft', mailboxId);
      const { id: blobId, size } = await platform.blobs.put(createReadStream(path));
      const mimeType = declared ?? detectMimeType(name ?? 'bin');
      const command = { type: 'UploadBlob', mailboxId, blobId, size, mimeType, name, by: actor.userId } as const;
      const { position } = orReject(
        await appendAfter(platform.blobs, blobId, () => platform.commands.transact(upload, uploadKey(mailboxId, blobId), command, context)),
      );
      await settle(position, ['drafts']);
      return { blobId, size, type: mimeType, name };
    },
    { idempotent: true },
  );
};
