/** Who takes care of a thread (mail-contract §3). */
import { assignThread, unassignThread } from '@tidings/contracts/http/notes';
import { thread, threadKey } from '@tidings/domain/thread/index';
import { THREAD_READS } from '@tidings/projections/thread-marks/index';
import type { FastifyInstance } from 'fastify';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { mayInThread } from '../../../platform/src/thread-links.ts';
import { besides } from '../chat/context.ts';
import { readThread } from './read-thread.ts';
import { assertMayInThread } from './thread-access.ts';

const READS = [...THREAD_READS, 'thread-notes'];

export const registerAssignees = (app: FastifyInstance, platform: Platform): void => {
  handle(app, platform, assignThread, async ({ actor, params: { threadId, userId }, context, settle }) => {
    const { state, mailboxId } = await assertMayInThread(platform, actor, 'assign', threadId);
    if (!(await mayInThread(platform, userId, 'assign', state))) throw nobodyToAssign();
    const command = { type: 'AssignThread', threadId, userId, by: actor.userId } as const;
    const { position } = orReject(await platform.commands.transact(thread, threadKey(threadId), command, context));
    // Who loses the right is unassigned by `caretaker`, which looks at what is assigned by then: not at what is just being assigned.
    if (!(await mayInThread(platform, userId, 'assign', state))) {
      const undo = { type: 'UnassignThread', threadId, userId, by: null } as const;
      orReject(await platform.commands.transact(thread, threadKey(threadId), undo, besides(context, 'undo')));
      throw nobodyToAssign();
    }
    await settle(position, READS);
    return readThread(platform, threadId, mailboxId);
  });

  handle(app, platform, unassignThread, async ({ actor, params: { threadId, userId }, context, settle }) => {
    const { mailboxId } = await assertMayInThread(platform, actor, 'assign', threadId);
    const command = { type: 'UnassignThread', threadId, userId, by: actor.userId } as const;
    const { position } = orReject(await platform.commands.transact(thread, threadKey(threadId), command, context));
    await settle(position, READS);
    return readThread(platform, threadId, mailboxId);
  });
};

const nobodyToAssign = (): ApiError => new ApiError('CONTENT_NOT_FOUND', 'There is no such person who may edit this thread.');
