/** Who may do what in a thread: the lesser of what they are to a mailbox and what that is to the thread, by the best way there is. */
import type { MailboxId, ThreadId } from '@tidings/contracts/ids';
import { may, type MailAction } from '@tidings/domain/authorization/may';
import { heldBy, type Holding, thread, threadKey, type ThreadState } from '@tidings/domain/thread/index';
import type { Actor } from '../../../http-kit/src/ctx.ts';
import { ApiError } from '../../../http-kit/src/errors.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { type Way, waysTo } from '../../../platform/src/thread-links.ts';

export const noSuchThread = (): ApiError => new ApiError('CONTENT_NOT_FOUND', 'There is no such thread among yours.');

export interface ReachedThread {
  readonly state: ThreadState;
  /** The mailbox through which the actor may most. */
  readonly mailboxId: MailboxId;
}

/**
 * Decided on the log's own state, so that a role or a share taken away counts at once.
 * @param through one mailbox only; else any that holds the thread
 * @param prefer which, among those through which the actor may
 * @throws ApiError 404 for who may not even see the thread, 403 for who may see it and no more
 */
export const assertMayInThread = async (
  platform: Platform,
  actor: Actor,
  action: MailAction,
  threadId: ThreadId,
  through?: MailboxId,
  prefer: (holding: Holding) => boolean = () => false,
): Promise<ReachedThread> => {
  const { state } = await platform.commands.load(thread, threadKey(threadId));
  const ways = (await waysTo(platform, state, actor.userId)).filter(({ mailboxId }) => through === undefined || mailboxId === through);
  const allows =
    (what: MailAction) =>
    (way: Way): boolean =>
      may(actor, what, { kind: 'thread', links: [way] });
  const allowed = ways.filter(allows(action));
  const way = allowed.find(({ mailboxId }) => prefer(heldBy(state, mailboxId))) ?? allowed[0];
  if (way !== undefined) return { state, mailboxId: way.mailboxId };
  if (ways.some(allows('read'))) throw new ApiError('INSUFFICIENT_PERMISSIONS', 'You may not do this with this thread.');
  throw noSuchThread();
};
