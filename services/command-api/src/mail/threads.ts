/** What a mailbox does with its threads: reads them, stars them, puts them away (mail-contract §3). */
import { flagThreads, markThreadRead } from '@tidings/contracts/http/mail';
import type { ThreadId } from '@tidings/contracts/ids';
import { START, type Position } from '@tidings/contracts/ports/event-log';
import { accessOf, thread, threadKey, type ThreadRejection } from '@tidings/domain/thread/index';
import { readThreads, THREAD_READS } from '@tidings/projections/thread-marks/index';
import { threadsIn } from '@tidings/projections/threads/index';
import type { FastifyInstance } from 'fastify';
import * as E from 'fp-ts/lib/Either.js';
import { handle } from '../../../http-kit/src/handle.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { besides } from '../chat/context.ts';
import { assertMay } from './access.ts';
import { readThread } from './read-thread.ts';

/** Where threads and the places of their emails show. */
const PLACE_READS = [...THREAD_READS, 'emails'];

export const registerThreads = (app: FastifyInstance, platform: Platform): void => {
  handle(app, platform, flagThreads, async ({ actor, body: { mailboxId, threadIds, set }, context, settle }) => {
    await assertMay(platform, actor, 'flag', mailboxId);
    const ids = [...new Set(threadIds)];
    const done = await Promise.all(
      ids.map(async (threadId): Promise<Done> => {
        const { state } = await platform.commands.load(thread, threadKey(threadId));
        if (accessOf(state, mailboxId) === 'viewer') return nothingDone(threadId);
        const command = { type: 'SetThreadFlags', threadId, mailboxId, set, by: actor.userId } as const;
        // One command per thread: each is a stream of its own, and one that is gone stops no other.
        const decided = await platform.commands.transact(thread, threadKey(threadId), command, besides(context, threadId));
        if (E.isRight(decided)) return { threadId, changed: decided.right.events.length > 0, position: decided.right.position };
        assertNotHeld(decided.left);
        return nothingDone(threadId);
      }),
    );
    await settle(latest(done.map(({ position }) => position)), PLACE_READS);
    const found = await platform.read.any(threadsIn(platform.liveSchema('threads'), ids, [mailboxId]));
    const shown = new Map((await readThreads(platform, found)).map((one) => [one.id, one]));
    return { content: done.map(({ threadId, changed }) => ({ threadId, changed, thread: shown.get(threadId) ?? null })) };
  });

  handle(app, platform, markThreadRead, async ({ actor, params: { threadId }, body: { mailboxId, upTo }, context, settle }) => {
    await assertMay(platform, actor, 'mark-read', mailboxId);
    const command = { type: 'MarkThreadRead', threadId, mailboxId, upTo, by: actor.userId } as const;
    const { position } = orReject(await platform.commands.transact(thread, threadKey(threadId), command, context));
    await settle(position, THREAD_READS);
    return readThread(platform, threadId, mailboxId);
  });
};

interface Done {
  readonly threadId: ThreadId;
  readonly changed: boolean;
  readonly position: Position;
}

/** A thread that the mailbox does not hold, or may only read, is left as it is. */
const nothingDone = (threadId: ThreadId): Done => ({ threadId, changed: false, position: START });

/** @throws when flags were refused for another reason, which would be our mistake */
const assertNotHeld = ({ type }: ThreadRejection): void => {
  if (type !== 'NoSuchThread') throw new Error(`flags of a thread were refused: ${type}`);
};

const latest = (positions: readonly Position[]): Position => positions.reduce((a, b) => (a > b ? a : b), START);
