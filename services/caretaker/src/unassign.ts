/** Who may no longer edit a thread no longer takes care of it (collaborative inbox §1.11). */
import type { Recorded } from '@tidings/contracts/events/index';
import { type CommandId, derivedId, type MailboxId, streamId, type ThreadId, type UserId } from '@tidings/contracts/ids';
import { mailbox, mailboxKey } from '@tidings/domain/mailbox/index';
import { thread, threadKey } from '@tidings/domain/thread/index';
import type { EventStore } from '@tidings/infra/event-store/event-store';
import { assignedTo } from '@tidings/projections/threads/index';
import type { Platform } from '../../platform/src/platform.ts';
import { mayInThread } from '../../platform/src/thread-links.ts';

export type Parts = Pick<Platform, 'commands' | 'read' | 'liveSchema' | 'freshness'>;

const PAGE = 100;
const CATCH_UP_MS = 10_000;

/**
 * Looks at everything that `user` takes care of, since `cause` may have taken a right.
 * @throws when the read model that tells what they take care of is too far behind
 */
export const unassignWhereLost = async (platform: Parts, user: UserId, cause: Recorded): Promise<void> => {
  if (!(await platform.freshness.waitFor(cause.position, ['threads'], CATCH_UP_MS))) {
    throw new Error('the read model of assignments is too far behind');
  }
  let after: ThreadId | null = null;
  for (;;) {
    const page: readonly { readonly threadId: ThreadId }[] = await platform.read.any(
      assignedTo(platform.liveSchema('threads'), user, after, PAGE),
    );
    for (const { threadId } of page) await unassignUnlessAllowed(platform, user, threadId, cause);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last.threadId;
  }
};

/** Who had a role in a mailbox as it was closed. What it shared stands in other mailboxes, and they may have no way to it any more. */
export const lastMembersOf = async (events: Pick<EventStore, 'readStream'>, mailboxId: MailboxId): Promise<ReadonlySet<UserId>> => {
  const members = new Set<UserId>();
  for (const { type, data } of await events.readStream(streamId(mailbox.category, mailboxKey(mailboxId)))) {
    if (type === 'MailboxMemberSet') members.add(data.userId);
    if (type === 'MailboxMemberRemoved') members.delete(data.userId);
  }
  return members;
};

/** Looks at all who take care of a thread, since `cause` may have taken a mailbox's right to it. */
export const unassignAllWhoLost = async (platform: Parts, threadId: ThreadId, cause: Recorded): Promise<void> => {
  const { state } = await platform.commands.load(thread, threadKey(threadId));
  for (const user of state.assignees) await unassignUnlessAllowed(platform, user, threadId, cause);
};

const unassignUnlessAllowed = async (platform: Parts, userId: UserId, threadId: ThreadId, cause: Recorded): Promise<void> => {
  const { state } = await platform.commands.load(thread, threadKey(threadId));
  if (!state.assignees.has(userId) || (await mayInThread(platform, userId, 'assign', state))) return;
  const commandId = derivedId<CommandId>('unassign', cause.id, threadId, userId);
  await platform.commands.transact(
    thread,
    threadKey(threadId),
    { type: 'UnassignThread', threadId, userId, by: null },
    { commandId, causationId: cause.id },
  );
};
