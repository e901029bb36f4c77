/** Marks on single emails (mail-contract §3). */
import { setKeywords } from '@tidings/contracts/http/keywords';
import { thread, threadKey } from '@tidings/domain/thread/index';
import { emailIn } from '@tidings/projections/emails/index';
import { THREAD_READS } from '@tidings/projections/thread-marks/index';
import type { FastifyInstance } from 'fastify';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { readThread } from './read-thread.ts';
import { assertMayInThread } from './thread-access.ts';

export const registerKeywords = (app: FastifyInstance, platform: Platform): void => {
  handle(
    app,
    platform,
    setKeywords,
    async ({ actor, params: { emailId }, body: { mailboxId, set }, context, settle }) => {
      const [email] = await platform.read.any(emailIn(platform.liveSchema('emails'), emailId, [mailboxId]));
      if (email === undefined) throw new ApiError('CONTENT_NOT_FOUND', 'There is no such email among yours.');
      const { threadId } = email;
      const onlySeen = Object.keys(set).every((keyword) => keyword === '$seen');
      await assertMayInThread(platform, actor, onlySeen ? 'mark-read' : 'flag', threadId, mailboxId);
      const command = { type: 'SetKeywords', threadId, mailboxId, emailId, set, by: actor.userId } as const;
      const { position } = orReject(await platform.commands.transact(thread, threadKey(threadId), command, context));
      await settle(position, [...THREAD_READS, 'emails']);
      return readThread(platform, threadId, mailboxId);
    },
    { reads: ['emails'] },
  );
};
