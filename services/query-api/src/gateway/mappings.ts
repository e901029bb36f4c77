/** Which mail belongs to a conversation and why, what is held of it, and the mails themselves. */
import {
  type EmailThreadMapping,
  getGatewayMail,
  type HeldMail,
  HELD_PAGE,
  listHeldMails,
  listMappings,
  MAPPINGS_PAGE,
} from '@tidings/contracts/http/gateway';
import type { BlobId } from '@tidings/contracts/ids';
import { BlobNotFound } from '@tidings/contracts/ports/blob-store';
import { type HeldRow, gatewayMailById, heldMailsOf } from '@tidings/projections/gateway-mails/index';
import { type MappingRow, mappingsOf } from '@tidings/projections/mappings/index';
import type { FastifyInstance } from 'fastify';
import { bytes } from '../../../http-kit/src/ctx.ts';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { mayInConversation } from '../../../platform/src/gateway/conversation-access.ts';
import type { Platform } from '../../../platform/src/platform.ts';

export const registerMappings = (app: FastifyInstance, platform: Platform): void => {
  handle(
    app,
    platform,
    listMappings,
    async ({ actor, query: { threadId } }) => {
      if (!(await mayInConversation(platform, actor.userId, 'read', threadId))) return [];
      const found = await platform.read.any(mappingsOf(platform.liveSchema('mappings'), threadId, MAPPINGS_PAGE));
      const others = [...new Set(found.flatMap(({ disagreeing }) => disagreeing.map(({ conversationId }) => conversationId)))];
      const seen = await Promise.all(others.map((other) => mayInConversation(platform, actor.userId, 'read', other)));
      const visible = new Set(others.filter((_, at) => seen[at] === true));
      return found.map((row) =>
        mappingView({ ...row, disagreeing: row.disagreeing.filter(({ conversationId }) => visible.has(conversationId)) }),
      );
    },
    { reads: ['mappings'] },
  );

  handle(
    app,
    platform,
    listHeldMails,
    async ({ actor, query: { threadId } }) => {
      if (!(await mayInConversation(platform, actor.userId, 'decide', threadId))) return [];
      return (await platform.read.any(heldMailsOf(platform.liveSchema('gateway-mails'), threadId, HELD_PAGE))).map(heldView);
    },
    { reads: ['gateway-mails'] },
  );

  handle(
    app,
    platform,
    getGatewayMail,
    async ({ actor, params: { mailId } }) => {
      const found = await platform.read.maybeOne(gatewayMailById(platform.liveSchema('gateway-mails'), mailId));
      const isKept = found !== null && (found.outcome === 'posted' || found.outcome === 'held');
      if (!isKept || found.conversationId === null || !(await mayInConversation(platform, actor.userId, 'read', found.conversationId))) {
        throw new ApiError('CONTENT_NOT_FOUND', 'There is no such mail among yours.');
      }
      return bytes(await rawOf(platform, found.blobId), 'message/rfc822');
    },
    { reads: ['gateway-mails'] },
  );
};

/** @throws ApiError 404 for bytes that went with their author's data */
const rawOf = async ({ blobs }: Platform, id: BlobId): Promise<Uint8Array> => {
  try {
    return await blobs.read(id);
  } catch (error) {
    throw error instanceof BlobNotFound ? new ApiError('CONTENT_NOT_FOUND', 'The mail was erased with its author.') : error;
  }
};

/** Whose it is, names of the other fields tell. */
const mappingView = ({ conversationId, direction: _direction, userId: _userId, ...row }: MappingRow): EmailThreadMapping => ({
  threadId: conversationId,
  ...row,
});

const heldView = ({ conversationId, claim, ...row }: HeldRow): HeldMail => ({
  ...row,
  threadId: conversationId,
  from: claim === null ? null : { name: claim.name, email: claim.email },
  subject: claim?.subject ?? null,
  preview: claim?.preview ?? null,
});
