/** The thread that a command changed, as the mailbox has it now. */
import type { Thread } from '@tidings/contracts/http/mail-objects';
import type { MailboxId, ThreadId } from '@tidings/contracts/ids';
import { readThreads } from '@tidings/projections/thread-marks/index';
import { threadsIn } from '@tidings/projections/threads/index';
import { ApiError } from '../../../http-kit/src/errors.ts';
import type { Platform } from '../../../platform/src/platform.ts';

/** @throws ApiError 404 */
export const readThread = async (platform: Platform, threadId: ThreadId, mailboxId: MailboxId): Promise<Thread> => {
  const found = await platform.read.any(threadsIn(platform.liveSchema('threads'), [threadId], [mailboxId]));
  const [shown] = await readThreads(platform, found);
  if (shown === undefined) throw new ApiError('CONTENT_NOT_FOUND', 'There is no such thread among yours.');
  return shown;
};
