/** What members say of mails that nothing proves the author of. */
import { confirmHeldMail, refuseHeldMail } from '@tidings/contracts/http/gateway';
import type { ConversationId, GatewayMailId, UserId } from '@tidings/contracts/ids';
import { currentRecipients, gateway, gatewayKey } from '@tidings/domain/gateway/index';
import { gatewayMail, gatewayMailKey } from '@tidings/domain/gateway-mail/index';
import type { FastifyInstance } from 'fastify';
import type { Actor } from '../../../http-kit/src/ctx.ts';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import { mayInConversation } from '../../../platform/src/gateway/conversation-access.ts';
import type { Platform } from '../../../platform/src/platform.ts';

const READS = ['gateway-mails'];

export const registerHeld = (app: FastifyInstance, platform: Platform): void => {
  handle(app, platform, confirmHeldMail, async ({ actor, params: { mailId }, context, settle }) => {
    const { conversationId, userId } = await heldFor(platform, actor, mailId);
    // Nobody lends a member their voice but that member.
    if (userId !== null && userId !== actor.userId && !(await isOutsider(platform, conversationId, userId))) {
      throw new ApiError('INSUFFICIENT_PERMISSIONS', 'It claims to be from another member, who alone can confirm that.');
    }
    const done = orReject(
      await platform.commands.transact(gatewayMail, gatewayMailKey(mailId), { type: 'ConfirmHeldMail', mailId, by: actor.userId }, context),
    );
    await settle(done.position, READS);
  });

  handle(app, platform, refuseHeldMail, async ({ actor, params: { mailId }, context, settle }) => {
    await heldFor(platform, actor, mailId);
    const done = orReject(
      await platform.commands.transact(gatewayMail, gatewayMailKey(mailId), { type: 'RefuseHeldMail', mailId, by: actor.userId }, context),
    );
    await settle(done.position, READS);
  });
};

/** @throws ApiError 404 for who may not decide about it, whether there is one or not */
const heldFor = async (
  platform: Platform,
  { userId }: Actor,
  mailId: GatewayMailId,
): Promise<{ readonly conversationId: ConversationId; readonly userId: UserId | null }> => {
  const { state } = await platform.commands.load(gatewayMail, gatewayMailKey(mailId));
  const settled = state.kind === 'received' ? state.settled : null;
  const conversationId = settled?.conversationId ?? null;
  if (settled === null || conversationId === null || !(await mayInConversation(platform, userId, 'decide', conversationId))) {
    throw new ApiError('CONTENT_NOT_FOUND', 'There is no such mail here.');
  }
  return { conversationId, userId: settled.userId };
};

const isOutsider = async ({ commands }: Platform, conversationId: ConversationId, userId: UserId): Promise<boolean> => {
  const { state } = await commands.load(gateway, gatewayKey(conversationId));
  return currentRecipients(state).some((recipient) => recipient.userId === userId && recipient.outsider);
};
