/** Sharing threads between mailboxes (mail-contract §3): the other one gets the emails as its own, with what it may do there. */
import { shareThread, unshareThread } from '@tidings/contracts/http/sharing';
import { type MailboxId, streamId, type ThreadId } from '@tidings/contracts/ids';
import { START } from '@tidings/contracts/ports/event-log';
import { mailbox, mailboxKey } from '@tidings/domain/mailbox/index';
import { type SharedEmail, thread, threadKey, type ThreadState } from '@tidings/domain/thread/index';
import { THREAD_READS } from '@tidings/projections/thread-marks/index';
import type { FastifyInstance } from 'fastify';
import { chunksOf } from 'fp-ts/lib/ReadonlyArray.js';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { besides } from '../chat/context.ts';
import { readThread } from './read-thread.ts';
import { assertMayInThread } from './thread-access.ts';

const READS = [...THREAD_READS, 'emails'];
/** Emails of one append: well below what the log takes at once. */
const AT_ONCE = 50;

export const registerSharing = (app: FastifyInstance, platform: Platform): void => {
  handle(app, platform, shareThread, async ({ actor, params: { threadId, mailboxId }, body: { role }, context, settle }) => {
    const { state, mailboxId: from } = await assertMayInThread(platform, actor, 'share', threadId);
    await assertOpen(platform, mailboxId);
    const emails = await emailsOf(platform, threadId, from, state);
    let position = START;
    // Mail that comes in between goes to both already: the first part shares the thread.
    for (const [at, some] of chunksOf(AT_ONCE)(emails).entries()) {
      const command = { type: 'ShareThread', threadId, mailboxId, role, emails: some, by: actor.userId } as const;
      const part = at === 0 ? context : besides(context, `part ${at}`);
      ({ position } = orReject(await platform.commands.transact(thread, threadKey(threadId), command, part)));
    }
    await settle(position, READS);
    return readThread(platform, threadId, from);
  });

  handle(app, platform, unshareThread, async ({ actor, params: { threadId, mailboxId }, context, settle }) => {
    await assertMayInThread(platform, actor, 'share', threadId);
    const command = { type: 'UnshareThread', threadId, mailboxId, by: actor.userId } as const;
    const { position } = orReject(await platform.commands.transact(thread, threadKey(threadId), command, context));
    await settle(position, READS);
  });
};

/** @throws ApiError 404 */
const assertOpen = async (platform: Platform, mailboxId: MailboxId): Promise<void> => {
  const { state } = await platform.commands.load(mailbox, mailboxKey(mailboxId));
  if (state.kind !== 'open') throw new ApiError('CONTENT_NOT_FOUND', 'There is no such mailbox.');
};

/** What `from` holds of the thread, as it lies there now; at least one. */
const emailsOf = async (platform: Platform, threadId: ThreadId, from: MailboxId, state: ThreadState): Promise<readonly SharedEmail[]> => {
  const places = new Map(state.holdings.get(from)?.emails.map(({ emailId, place }) => [emailId, place]));
  const events = await platform.events.readStream(streamId('thread', threadKey(threadId)));
  return events.flatMap((event): readonly SharedEmail[] => {
    if (event.type !== 'EmailFiled' || event.data.mailboxId !== from) return [];
    const { emailId, blobId, bodyBlobId, size, direction, content, imported } = event.data;
    const place = places.get(emailId) ?? event.data.place;
    return [{ emailId, blobId, bodyBlobId, size, direction, content, place, ...(imported === undefined ? {} : { imported }) }];
  });
};
