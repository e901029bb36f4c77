/** The ways from a user to a thread, as the log itself has them: a role or a share taken away counts at once. */
import type { MailboxId, UserId } from '@tidings/contracts/ids';
import { may, type MailAction, type ThreadLink } from '@tidings/domain/authorization/may';
import { mailbox, mailboxKey, roleOf } from '@tidings/domain/mailbox/index';
import { accessOf, holdersOf, type ThreadState } from '@tidings/domain/thread/index';
import type { Platform } from './platform.ts';

export interface Way extends ThreadLink {
  readonly mailboxId: MailboxId;
}

/** One through each mailbox that holds the thread, also where the user has no role. */
export const waysTo = async ({ commands }: Pick<Platform, 'commands'>, state: ThreadState, user: UserId): Promise<readonly Way[]> =>
  Promise.all(
    holdersOf(state).map(async (mailboxId) => {
      const held = await commands.load(mailbox, mailboxKey(mailboxId));
      return { mailboxId, role: roleOf(held.state, user), access: accessOf(state, mailboxId) };
    }),
  );

/** Whether someone, perhaps not the caller, may do this in the thread. */
export const mayInThread = async (
  platform: Pick<Platform, 'commands'>,
  user: UserId,
  action: MailAction,
  state: ThreadState,
): Promise<boolean> => may({ isAdmin: false }, action, { kind: 'thread', links: await waysTo(platform, state, user) });
