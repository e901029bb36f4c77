/** Who may do what with a draft: what they are to the mailbox that it is written in. */
import type { DraftId, MailboxId } from '@tidings/contracts/ids';
import { may, type MailAction } from '@tidings/domain/authorization/may';
import { draft, draftKey, type DraftState, mailboxOf } from '@tidings/domain/draft/index';
import { mailbox, mailboxKey, roleOf } from '@tidings/domain/mailbox/index';
import type { Actor } from '../../../../http-kit/src/ctx.ts';
import { ApiError } from '../../../../http-kit/src/errors.ts';
import type { Platform } from '../../../../platform/src/platform.ts';

export const noSuchDraft = (): ApiError => new ApiError('CONTENT_NOT_FOUND', 'There is no such draft among yours.');

export interface ReachedDraft {
  readonly state: DraftState;
  readonly mailboxId: MailboxId;
}

/**
 * On the log's own state. One that was handed over whole is no draft.
 * @throws ApiError 404 for who may not even see it, 403 for who may see it and no more
 */
export const assertMayOnDraft = async (platform: Platform, actor: Actor, action: MailAction, draftId: DraftId): Promise<ReachedDraft> => {
  const { state } = await platform.commands.load(draft, draftKey(draftId));
  const mailboxId = mailboxOf(state);
  const isWhole = (state.kind === 'submitted' || state.kind === 'dispatched') && state.submission.revision === 0;
  if (mailboxId === null || isWhole) throw noSuchDraft();
  const { state: held } = await platform.commands.load(mailbox, mailboxKey(mailboxId));
  const resource = { kind: 'mailbox', role: roleOf(held, actor.userId) } as const;
  if (may(actor, action, resource)) return { state, mailboxId };
  if (may(actor, 'read', resource)) throw new ApiError('INSUFFICIENT_PERMISSIONS', 'Your role in this mailbox does not allow this.');
  throw noSuchDraft();
};
