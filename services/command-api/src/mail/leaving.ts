/** Splitting threads, and destroying what lies in the trash and in spam (mail-contract §3). */
import { destroyEmail, destroyThread, emptySpam, emptyTrash, splitThread } from '@tidings/contracts/http/leaving';
import type { EmailId, MailboxId, ThreadId } from '@tidings/contracts/ids';
import { type Position, START } from '@tidings/contracts/ports/event-log';
import { accessOf, heldBy, thread, threadKey } from '@tidings/domain/thread/index';
import type { CommandContext } from '@tidings/infra/event-store/event-store';
import { emailIn, lyingIn } from '@tidings/projections/emails/index';
import { THREAD_READS } from '@tidings/projections/thread-marks/index';
import type { FastifyInstance } from 'fastify';
import { chunksOf } from 'fp-ts/lib/ReadonlyArray.js';
import * as E from 'fp-ts/lib/Either.js';
import type { Actor } from '../../../http-kit/src/ctx.ts';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import { destroyEmails, splitThread as split } from '../../../platform/src/leaving-threads.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { besides } from '../chat/context.ts';
import { assertMay } from './access.ts';
import { readThread } from './read-thread.ts';
import { assertMayInThread } from './thread-access.ts';

const READS = [...THREAD_READS, 'emails', 'thread-notes'];
const MOST_AT_ONCE = 1_000;
const THREADS_AT_ONCE = 10;

export const registerLeaving = (app: FastifyInstance, platform: Platform): void => {
  handle(app, platform, splitThread, async ({ actor, params: { threadId }, body: { emailId }, context, settle }) => {
    const { mailboxId } = await assertMayInThread(
      platform,
      actor,
      'split',
      threadId,
      undefined,
      ({ emails, gone }) => gone.has(emailId) || emails.some((email) => email.emailId === emailId),
    );
    const asked = { threadId, mailboxId, emailId, by: actor.userId };
    const { into, positions } = orReject(await split(platform, asked, context), {}, { upTo: 'emailId' });
    await settle(latest(positions), READS);
    return readThread(platform, into, mailboxId);
  });

  handle(app, platform, destroyEmail, async ({ actor, params: { emailId }, query: { mailboxId }, context, settle }) => {
    const found = await platform.read.any(emailIn(platform.liveSchema('emails'), emailId, [mailboxId]));
    if (found.length === 0) throw new ApiError('CONTENT_NOT_FOUND', 'There is no such email among yours.');
    // A mailbox may hold it in two threads: its own, and one that is shared with it.
    const lying = found.filter(({ place }) => place === 'trash' || place === 'spam');
    let position = START;
    for (const { threadId } of lying.length > 0 ? lying : found) {
      await assertMayInThread(platform, actor, 'destroy', threadId, mailboxId);
      const asked = { threadId, mailboxId, emailIds: [emailId], by: actor.userId };
      position = latest([position, orReject(await destroyEmails(platform, asked, besides(context, threadId))).position]);
    }
    await settle(position, READS);
  });

  handle(app, platform, destroyThread, async ({ actor, params: { threadId }, query: { mailboxId }, context, settle }) => {
    const { state } = await assertMayInThread(platform, actor, 'destroy', threadId, mailboxId);
    const emailIds = heldBy(state, mailboxId).emails.map(({ emailId }) => emailId);
    const { position } = orReject(await destroyEmails(platform, { threadId, mailboxId, emailIds, by: actor.userId }, context));
    await settle(position, READS);
  });

  for (const [route, place] of [[emptyTrash, 'trash'] as const, [emptySpam, 'spam'] as const]) {
    handle(app, platform, route, async ({ actor, params: { mailboxId }, context, settle }) => {
      await assertMay(platform, actor, 'destroy', mailboxId);
      const found = await platform.read.any(lyingIn(platform.liveSchema('emails'), mailboxId, place, MOST_AT_ONCE));
      const byThread = Map.groupBy(found, ({ threadId }) => threadId);
      let destroyed = 0;
      let position = START;
      for (const threads of chunksOf(THREADS_AT_ONCE)([...byThread])) {
        const done = await Promise.all(
          threads.map(([threadId, emails]) => {
            const emailIds = emails.map(({ emailId }) => emailId);
            return emptyThread(platform, actor, { threadId, mailboxId, emailIds }, besides(context, threadId));
          }),
        );
        destroyed += done.reduce((sum, { emails }) => sum + emails, 0);
        position = latest([position, ...done.map((one) => one.position)]);
      }
      await settle(position, READS);
      return { destroyed, hasMore: destroyed > 0 && found.length === MOST_AT_ONCE };
    });
  }
};

/** What was taken out of the trash meanwhile stays, and what the mailbox may only read is not its to destroy. */
const emptyThread = async (
  platform: Platform,
  actor: Actor,
  lying: { readonly threadId: ThreadId; readonly mailboxId: MailboxId; readonly emailIds: readonly EmailId[] },
  context: CommandContext,
): Promise<{ readonly emails: number; readonly position: Position }> => {
  const { state } = await platform.commands.load(thread, threadKey(lying.threadId));
  if (accessOf(state, lying.mailboxId) === 'viewer') return { emails: 0, position: START };
  const done = await destroyEmails(platform, { ...lying, by: actor.userId }, context);
  if (E.isRight(done)) return done.right;
  if (done.left.type === 'NotInTrash' || done.left.type === 'NotInThread') return { emails: 0, position: START };
  return orReject(done);
};

const latest = (positions: readonly Position[]): Position => positions.reduce((a, b) => (a > b ? a : b), START);
