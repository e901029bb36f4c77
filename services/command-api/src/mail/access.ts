/** Who may change what. Decided on the log's own state of the mailbox, so that a role taken away counts at once. */
import type { MailboxId } from '@tidings/contracts/ids';
import { may, type MailAction } from '@tidings/domain/authorization/may';
import { mailbox, mailboxKey, roleOf } from '@tidings/domain/mailbox/index';
import type { Actor } from '../../../http-kit/src/ctx.ts';
import { ApiError } from '../../../http-kit/src/errors.ts';
import type { Platform } from '../../../platform/src/platform.ts';

/** @throws ApiError 404 for who may not even see the mailbox, 403 for who may see it and no more */
export const assertMay = async (platform: Platform, actor: Actor, action: MailAction, mailboxId: MailboxId): Promise<void> => {
  const { state } = await platform.commands.load(mailbox, mailboxKey(mailboxId));
  const resource = { kind: 'mailbox', role: roleOf(state, actor.userId) } as const;
  if (state.kind === 'open' && may(actor, action, resource)) return;
  if (state.kind === 'open' && may(actor, 'read', resource)) {
    throw new ApiError('INSUFFICIENT_PERMISSIONS', 'Your role in this mailbox does not allow this.');
  }
  throw new ApiError('CONTENT_NOT_FOUND', 'There is no such mailbox among yours.');
};
