/** Sending a draft and taking it back (mail-contract §3). What is sent is composed and durable before anybody is told. */
import { sendDraft, undoSend, UNDO_SECONDS } from '@tidings/contracts/http/sending';
import type { Sending } from '@tidings/contracts/http/drafts';
import { reveal } from '@tidings/contracts/sealed';
import { msOf, timestamp, type Timestamp } from '@tidings/contracts/time';
import { draft, draftKey, type DraftState, emailOfDraft, type Submission } from '@tidings/domain/draft/index';
import { appendAfter } from '@tidings/infra/blobs/append-after';
import type { FastifyInstance } from 'fastify';
import type * as t from 'io-ts';
import { invalid } from '../../../../http-kit/src/errors.ts';
import { handle } from '../../../../http-kit/src/handle.ts';
import { orReject } from '../../../../http-kit/src/rejections.ts';
import { readContent } from '../../../../platform/src/draft-content.ts';
import type { Platform } from '../../../../platform/src/platform.ts';
import { assertMayOnDraft, noSuchDraft } from './access.ts';
import { composeDraft } from './compose.ts';
import { DRAFT_READS, readDraft, tagged } from './reading.ts';
import type { AssertRoom } from './room.ts';
import type { Tools } from './tools.ts';

const YEAR_MS = 366 * 24 * 3_600_000;

export const registerSending = (app: FastifyInstance, platform: Platform, tools: Tools, assertRoom: AssertRoom): void => {
  handle(
    app,
    platform,
    sendDraft,
    async ({ actor, params: { draftId }, body = {}, at, context, settle }) => {
      const { revision: asked, sendAt, undoSeconds = UNDO_SECONDS, requestReceipt = false } = body;
      const { state, mailboxId } = await assertMayOnDraft(platform, actor, 'send', draftId);
      const scheduled = sendAt !== undefined;
      const when = scheduled ? inTime(sendAt, at) : timestamp(msOf(at) + undoSeconds * 1_000);
      const going = submissionOf(state);
      if (going !== null && (asked ?? going.revision) === going.revision && (!scheduled || going.sendAt === when)) return sendingOf(going);

      const content =
        state.kind === 'open'
          ? await readContent(platform.blobs, { content: reveal(state.saved.content, null), contentBlobId: state.saved.contentBlobId })
          : null;
      const revision = asked ?? (state.kind === 'open' ? state.saved.revision : (going?.revision ?? 1));
      const emailId = emailOfDraft(draftId);
      // Of what is being sent already the log says why not.
      const outgoing =
        content === null
          ? { rawBlobId: going?.rawBlobId, size: 1, messageId: going?.messageId, envelope: { from: '', recipients: [] } }
          : await composeDraft(platform, tools.composer(), assertRoom, {
              actor,
              mailboxId,
              emailId,
              content,
              sendAt: when,
              requestReceipt,
            });
      const { rawBlobId, messageId } = outgoing;
      if (rawBlobId === undefined || messageId === undefined) throw noSuchDraft(); // erased
      const command = {
        ...({ type: 'SubmitDraft', draftId, mailboxId, revision, scheduled, emailId, sendAt: when, by: actor.userId } as const),
        ...{ ...outgoing, rawBlobId, messageId },
      };
      const done = orReject(
        await appendAfter(platform.blobs, rawBlobId, () => platform.commands.transact(draft, draftKey(draftId), command, context)),
      );
      await settle(done.position, DRAFT_READS);
      const sent = submissionOf(done.state);
      if (sent === null) throw new Error('a draft was submitted and is not');
      return sendingOf(sent);
    },
    { idempotent: true },
  );

  handle(app, platform, undoSend, async ({ actor, params: { draftId }, context, reply, settle }) => {
    await assertMayOnDraft(platform, actor, 'send', draftId);
    const command = { type: 'UndoSend', draftId, by: actor.userId } as const;
    const { position } = orReject(await platform.commands.transact(draft, draftKey(draftId), command, context));
    await settle(position, DRAFT_READS);
    return tagged(reply, await readDraft(platform, draftId));
  });
};

const submissionOf = (state: DraftState): Submission | null =>
  state.kind === 'submitted' || state.kind === 'dispatched' ? state.submission : null;

const sendingOf = ({ sendAt, emailId, messageId }: Submission): t.TypeOf<typeof Sending> => ({ sendAt, emailId, messageId });

/** @throws ApiError 400 */
const inTime = (sendAt: Timestamp, now: Timestamp): Timestamp => {
  const ahead = msOf(sendAt) - msOf(now);
  if (ahead < 0 || ahead > YEAR_MS) throw invalid([{ path: 'sendAt', message: 'must be in the future, within a year' }]);
  return sendAt;
};
