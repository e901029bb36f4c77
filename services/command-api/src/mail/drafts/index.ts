/** Writing mail (mail-contract §3): drafts that several may write on, each save on the revision that its writer saw. */
import type { DraftContent, DraftSummary } from '@tidings/contracts/events/draft';
import { createDraft, discardDraft, type SaveDraft, saveDraft } from '@tidings/contracts/http/drafts';
import { derivedId, type DraftId, type MailboxId, type ThreadId } from '@tidings/contracts/ids';
import { reveal } from '@tidings/contracts/sealed';
import { draft, draftKey, type SavedDraft } from '@tidings/domain/draft/index';
import { previewOf } from '@tidings/domain/mail/preview';
import { accessOf, thread, threadKey } from '@tidings/domain/thread/index';
import { appendAfter } from '@tidings/infra/blobs/append-after';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import * as E from 'fp-ts/lib/Either.js';
import type * as t from 'io-ts';
import type { Actor } from '../../../../http-kit/src/ctx.ts';
import { ApiError, invalid } from '../../../../http-kit/src/errors.ts';
import { handle } from '../../../../http-kit/src/handle.ts';
import { orReject, rejections } from '../../../../http-kit/src/rejections.ts';
import { placeContent, readContent } from '../../../../platform/src/draft-content.ts';
import type { Platform } from '../../../../platform/src/platform.ts';
import { FILE_READS } from '../../../../platform/src/readable-files.ts';
import { assertMay } from '../access.ts';
import { assertMayOnDraft, noSuchDraft } from './access.ts';
import { answerTo } from './answer.ts';
import { contentFrom, emptyContent } from './fields.ts';
import { DRAFT_READS, readDraft, tagged } from './reading.ts';
import { registerSending } from './send.ts';
import { registerSubmit } from '../submit.ts';
import { registerAnswering } from '../answering.ts';
import { registerTemplates } from '../templates.ts';
import { begunFrom } from './begin.ts';
import { roomGuard } from './room.ts';
import { openTools } from './tools.ts';
import { registerUploads } from './uploads.ts';

export const registerDrafts = (app: FastifyInstance, platform: Platform): void => {
  const tools = openTools(app);
  registerUploads(app, platform);
  const assertRoom = roomGuard(platform);
  registerSending(app, platform, tools, assertRoom);
  registerSubmit(app, platform, tools, assertRoom);
  registerTemplates(app, platform, tools);
  registerAnswering(app, platform, tools);

  handle(
    app,
    platform,
    createDraft,
    async ({
      actor,
      params: { mailboxId },
      body: { inReplyTo, templateId, values, ...written },
      operationId,
      context,
      retried,
      reply,
      settle,
    }) => {
      await assertMay(platform, actor, 'draft', mailboxId);
      const draftId = derivedId<DraftId>('draft', operationId);
      if (retried) {
        const { state, position } = await platform.commands.load(draft, draftKey(draftId));
        if (state.kind !== 'none') {
          await settle(position, DRAFT_READS);
          return tagged(reply, await readDraft(platform, draftId));
        }
      }
      const empty = await emptyContent(platform, mailboxId);
      const begun =
        inReplyTo === undefined
          ? empty
          : await answerTo({ platform, composer: tools.composer(), mime: tools.mime(), actor, mailboxId }, empty, inReplyTo);
      const signed = await begunFrom(platform, { actor, mailboxId, templateId, values }, begun, written);
      // A value may have made of a template's HTML what must not be: it is cleaned like anybody's.
      const content = await contentFrom({ platform, composer: tools.composer(), actor, mailboxId }, signed, {
        html: signed.html,
        ...written,
      });
      const command = { ...(await commandFor(platform, content, mailboxId)), draftId, basedOn: 0, by: actor.userId };
      const done = orReject(await saving(platform, command, context));
      await settle(done.position, DRAFT_READS);
      return tagged(reply, await readDraft(platform, draftId));
    },
    { idempotent: true, reads: [...FILE_READS, 'emails'] },
  );

  handle(
    app,
    platform,
    saveDraft,
    async ({ actor, params: { draftId }, body, request, reply, context, settle }) => {
      const { state, mailboxId: from } = await assertMayOnDraft(platform, actor, 'draft', draftId);
      const basedOn = revisionIn(body, request);
      if (state.kind !== 'open') throw rejectionOf(state.kind === 'submitted' ? 'DraftBeingSent' : 'DraftSent');
      const { mailboxId, before } = await movedTo(platform, actor, state.saved, body.mailboxId ?? from);
      const content = await contentFrom({ platform, composer: tools.composer(), actor, mailboxId }, detached(before, body), body);
      const command = { ...(await commandFor(platform, content, mailboxId)), draftId, basedOn, by: actor.userId };
      const saved = await saving(platform, command, context);
      if (E.isLeft(saved) && saved.left.type === 'DraftChangedMeanwhile') throw await conflict(platform, draftId);
      await settle(orReject(saved).position, DRAFT_READS);
      return tagged(reply, await readDraft(platform, draftId));
    },
    { reads: FILE_READS },
  );

  handle(app, platform, discardDraft, async ({ actor, params: { draftId }, context, settle }) => {
    await assertMayOnDraft(platform, actor, 'draft', draftId);
    const command = { type: 'DiscardDraft', draftId, by: actor.userId } as const;
    const { position } = orReject(await platform.commands.transact(draft, draftKey(draftId), command, context));
    await settle(position, DRAFT_READS);
  });
};

type SaveCommand = Extract<Parameters<typeof draft.decide>[0], { readonly type: 'SaveDraft' }>;

/** All that follows from the content. */
const commandFor = async (
  platform: Platform,
  content: DraftContent,
  mailboxId: MailboxId,
): Promise<Omit<SaveCommand, 'draftId' | 'basedOn' | 'by'>> => ({
  type: 'SaveDraft',
  mailboxId,
  threadId: await threadOf(platform, content, mailboxId),
  summary: summaryOf(content),
  ...(await placeContent(platform.blobs, content)),
  attachmentIds: [...new Set(content.attachments.map(({ blobId }) => blobId))],
});

/** The thread that it answers in, while the mailbox may write in that. */
const threadOf = async (platform: Platform, { inReplyTo }: DraftContent, mailboxId: MailboxId): Promise<ThreadId | null> => {
  if (inReplyTo === null) return null;
  const { state } = await platform.commands.load(thread, threadKey(inReplyTo.threadId));
  return accessOf(state, mailboxId) === 'editor' ? inReplyTo.threadId : null;
};

const LISTED_RECIPIENTS = 5;

const summaryOf = ({ from, to, subject, text, html, attachments }: DraftContent): DraftSummary => ({
  from,
  to: to.slice(0, LISTED_RECIPIENTS),
  subject,
  preview: previewOf(text.trim() === '' ? html.slice(0, 4_000).replaceAll(/<[^>]*>/g, ' ') : text),
  hasAttachments: attachments.some(({ cid }) => cid === null),
});

const saving = (platform: Platform, command: SaveCommand, context: Parameters<Platform['commands']['transact']>[3]) => {
  const append = () => platform.commands.transact(draft, draftKey(command.draftId), command, context);
  return command.contentBlobId === null ? append() : appendAfter(platform.blobs, command.contentBlobId, append);
};

/** From the body, or from `If-Match` (RFC 9110 §13.1.1). @throws ApiError 400 */
const revisionIn = ({ revision }: t.TypeOf<typeof SaveDraft>, request: FastifyRequest): number => {
  if (revision !== undefined) return revision;
  const [, tag] = /^"(\d{1,9})"$/.exec(request.headers['if-match'] ?? '') ?? [];
  if (tag === undefined) {
    throw invalid([{ path: 'revision', message: 'is required, here or as If-Match: the revision that was read and changed' }]);
  }
  return Number(tag);
};

/** The draft as it goes on in `mailboxId`; in another one than so far, from that one's address. @throws ApiError 403, 404 */
const movedTo = async (
  platform: Platform,
  actor: Actor,
  saved: SavedDraft,
  mailboxId: MailboxId,
): Promise<{ readonly mailboxId: MailboxId; readonly before: DraftContent }> => {
  const kept = await readContent(platform.blobs, { content: reveal(saved.content, null), contentBlobId: saved.contentBlobId });
  if (kept === null) throw noSuchDraft(); // erased
  if (mailboxId === saved.mailboxId) return { mailboxId, before: kept };
  await assertMay(platform, actor, 'draft', mailboxId);
  return { mailboxId, before: { ...kept, from: (await emptyContent(platform, mailboxId)).from, signatureId: null } };
};

const detached = (content: DraftContent, { inReplyTo }: t.TypeOf<typeof SaveDraft>): DraftContent =>
  inReplyTo === null ? { ...content, inReplyTo: null } : content;

const rejectionOf = (type: 'DraftBeingSent' | 'DraftSent'): ApiError => new ApiError(rejections[type].code, rejections[type].says);

/** Nothing is lost: who is too late gets what the others wrote. */
const conflict = async (platform: Platform, draftId: DraftId): Promise<ApiError> => {
  const { position } = await platform.commands.load(draft, draftKey(draftId));
  await platform.freshness.waitFor(position, ['drafts'], 5_000);
  const { code, says, field = 'revision' } = rejections.DraftChangedMeanwhile;
  return new ApiError(code, says, { fields: [{ path: field, message: says }], present: await readDraft(platform, draftId) });
};
