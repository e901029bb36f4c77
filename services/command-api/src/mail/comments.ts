/** Comments on threads (mail-contract §3): by editors, for all who can read the thread, their authors' to change for an hour. */
import { deleteComment, editComment, MOST_MENTIONS, postComment, type Comment } from '@tidings/contracts/http/notes';
import { type CommentId, derivedId, type ThreadId, type UserId } from '@tidings/contracts/ids';
import { comment, commentKey } from '@tidings/domain/comment/index';
import { holdersOf, type ThreadState } from '@tidings/domain/thread/index';
import { commentById, NOTE_READS, readComment } from '@tidings/projections/thread-notes/index';
import type { FastifyInstance } from 'fastify';
import type { Actor } from '../../../http-kit/src/ctx.ts';
import { ApiError, invalid } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { mayInThread } from '../../../platform/src/thread-links.ts';
import { assertMayInThread } from './thread-access.ts';

export const registerComments = (app: FastifyInstance, platform: Platform): void => {
  handle(
    app,
    platform,
    postComment,
    async ({ actor, params: { threadId }, body: { content, mentions = [] }, at, operationId, context, settle }) => {
      const { state } = await assertMayInThread(platform, actor, 'comment', threadId);
      await assertReaders(platform, mentions, state);
      const commentId = derivedId<CommentId>('comment', operationId);
      const command = {
        ...({ type: 'PostComment', commentId, threadId, mailboxIds: holdersOf(state) } as const),
        ...{ by: actor.userId, at, content, mentions },
      };
      const { position } = orReject(await platform.commands.transact(comment, commentKey(threadId, commentId), command, context));
      await settle(position, NOTE_READS);
      return readBack(platform, commentId);
    },
    { idempotent: true },
  );

  handle(
    app,
    platform,
    editComment,
    async ({ actor, params: { commentId }, body: { content, mentions = [] }, at, context, settle }) => {
      const { threadId, state } = await ownComment(platform, actor, commentId);
      await assertReaders(platform, mentions, state);
      const command = {
        ...({ type: 'EditComment', commentId, threadId, mailboxIds: holdersOf(state) } as const),
        ...{ by: actor.userId, at, content, mentions },
      };
      const { position } = orReject(await platform.commands.transact(comment, commentKey(threadId, commentId), command, context));
      await settle(position, NOTE_READS);
      return readBack(platform, commentId);
    },
    { reads: ['thread-notes'] },
  );

  handle(
    app,
    platform,
    deleteComment,
    async ({ actor, params: { commentId }, at, context, settle }) => {
      const { threadId, state } = await ownComment(platform, actor, commentId);
      const command = { type: 'DeleteComment', commentId, threadId, mailboxIds: holdersOf(state), by: actor.userId, at } as const;
      const { position } = orReject(await platform.commands.transact(comment, commentKey(threadId, commentId), command, context));
      await settle(position, NOTE_READS);
    },
    { reads: ['thread-notes'] },
  );
};

const noSuchComment = (): ApiError => new ApiError('CONTENT_NOT_FOUND', 'There is no such comment among those you can see.');

/** The thread of a comment, in which the actor may still comment. Whose comment it is, the decision looks at. */
const ownComment = async (
  platform: Platform,
  actor: Actor,
  commentId: CommentId,
): Promise<{ readonly threadId: ThreadId; readonly state: ThreadState }> => {
  const note = await platform.read.maybeOne(commentById(platform.liveSchema('thread-notes'), commentId));
  if (note === null) throw noSuchComment();
  const { state } = await assertMayInThread(platform, actor, 'comment', note.threadId);
  return { threadId: note.threadId, state };
};

/** Who cannot read the thread must not be called to it. @throws ApiError 400 */
const assertReaders = async (platform: Platform, mentions: readonly UserId[], state: ThreadState): Promise<void> => {
  if (mentions.length > MOST_MENTIONS) throw invalid([{ path: 'mentions', message: `must name ${MOST_MENTIONS} people at most` }]);
  const allowed = await Promise.all([...new Set(mentions)].map((user) => mayInThread(platform, user, 'read', state)));
  if (allowed.includes(false)) throw invalid([{ path: 'mentions', message: 'must name people who can read the thread' }]);
};

const readBack = async (platform: Platform, commentId: CommentId): Promise<Comment> => {
  const note = await platform.read.maybeOne(commentById(platform.liveSchema('thread-notes'), commentId));
  if (note === null) throw noSuchComment(); // taken back in the meantime
  return readComment(platform, note);
};
