/** Single emails: as JSON, as received, and part by part. */
import { getEmail, getEmailPart, getRawEmail } from '@tidings/contracts/http/mail';
import type { BlobStore } from '@tidings/contracts/ports/blob-store';
import type { Mime } from '@tidings/infra/mime/mime';
import type { HeldEmail } from '@tidings/projections/emails/index';
import type { FastifyInstance } from 'fastify';
import { bytes } from '../../../http-kit/src/ctx.ts';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { elsewhere } from '../elsewhere.ts';
import { reachEmail } from './access.ts';
import type { BodyReader } from './bodies.ts';
import { downloadHeaders, safeType } from './download.ts';

const EMAIL_READS = { reads: ['mailboxes', 'emails', 'deliveries', 'answers'] };

/** @param mime opened at the first part that is asked for */
export const registerEmails = (app: FastifyInstance, platform: Platform, bodies: BodyReader, mime: () => Mime): void => {
  handle(
    app,
    platform,
    getEmail,
    async ({ actor, params: { emailId }, query: { mailboxId } }) => bodies.email(await reachEmail(platform, actor, emailId, mailboxId)),
    EMAIL_READS,
  );

  handle(
    app,
    platform,
    getRawEmail,
    async ({ actor, params: { emailId }, request, reply }) => {
      const { blobId: id, size } = await reachEmail(platform, actor, emailId, undefined);
      const file = { id, size, name: `${emailId}.eml`, type: 'message/rfc822' };
      const redirect = await elsewhere(platform.blobs, request, reply, file);
      if (redirect !== null) return redirect;
      const source = await platform.blobs.get(id);
      void reply.headers({ ...downloadHeaders(file.name), 'content-length': String(size) });
      return bytes(source, file.type);
    },
    EMAIL_READS,
  );

  handle(
    app,
    platform,
    getEmailPart,
    async ({ actor, params: { emailId, partId }, request, reply }) => {
      const email = await reachEmail(platform, actor, emailId, undefined);
      const part = (await bodies.parts(email)).find((one) => one.partId === partId);
      const name = part?.name ?? `${emailId}-${partId}`;
      const type = safeType(part?.type, part?.charset);
      let cut: Promise<Uint8Array> | null = null;
      const content = (): Promise<Uint8Array> => (cut ??= partOf(platform.blobs, mime(), email, partId)); // once, also where it is kept to be linked to
      const file = { id: email.blobId, part: { name: partId, read: content }, size: part?.size ?? 0, name, type };
      const redirect = await elsewhere(platform.blobs, request, reply, file);
      if (redirect !== null) return redirect;
      void reply.headers(downloadHeaders(name));
      return bytes(await content(), type);
    },
    EMAIL_READS,
  );
};

const PART_ID = /^[0-9]+(\.[0-9]+)*$/;

/** @throws ApiError 404 */
const partOf = async (blobs: BlobStore, mime: Mime, email: HeldEmail, partId: string): Promise<Uint8Array> => {
  const found = PART_ID.test(partId) && partId.length <= 400 ? await mime.part(await blobs.read(email.blobId), partId) : null;
  if (found === null) throw new ApiError('CONTENT_NOT_FOUND', 'The email has no such part.');
  return Buffer.from(found.buffer, found.byteOffset, found.byteLength);
};
