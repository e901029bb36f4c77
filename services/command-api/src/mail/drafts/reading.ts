/** Drafts as a command answers with them. */
import type { Draft } from '@tidings/contracts/http/drafts';
import type { DraftId } from '@tidings/contracts/ids';
import { draftById, draftView } from '@tidings/projections/drafts/index';
import type { FastifyReply } from 'fastify';
import { readContent } from '../../../../platform/src/draft-content.ts';
import type { Platform } from '../../../../platform/src/platform.ts';
import { noSuchDraft } from './access.ts';

/** Where drafts show. */
export const DRAFT_READS = ['drafts'];

/** @throws ApiError 404 for one that is gone meanwhile */
export const readDraft = async (platform: Platform, draftId: DraftId): Promise<Draft> => {
  const row = await platform.read.maybeOne(draftById(platform.liveSchema('drafts'), draftId));
  if (row === null) throw noSuchDraft();
  return draftView(row, await readContent(platform.blobs, row));
};

export const tagged = (reply: FastifyReply, shown: Draft): Draft => {
  void reply.header('etag', `"${shown.revision}"`);
  return shown;
};
