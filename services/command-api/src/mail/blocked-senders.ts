/** Whom a mailbox takes no mail from (mail-contract §4). */
import { blockSender, unblockSender } from '@tidings/contracts/http/storage';
import { blockableSender, mailbox, mailboxKey } from '@tidings/domain/mailbox/index';
import type { FastifyInstance } from 'fastify';
import { invalid } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { assertMay } from './access.ts';

export const registerBlockedSenders = (app: FastifyInstance, platform: Platform): void => {
  handle(app, platform, blockSender, async ({ actor, params, context, settle }) => {
    const { mailboxId } = params;
    await assertMay(platform, actor, 'manage-mailbox', mailboxId);
    const sender = senderOf(params.sender);
    const command = { type: 'BlockSender', mailboxId, sender, by: actor.userId } as const;
    const { position } = orReject(await platform.commands.transact(mailbox, mailboxKey(mailboxId), command, context));
    await settle(position, ['mailboxes']);
    return { sender };
  });

  handle(app, platform, unblockSender, async ({ actor, params, context, settle }) => {
    const { mailboxId } = params;
    await assertMay(platform, actor, 'manage-mailbox', mailboxId);
    const command = { type: 'UnblockSender', mailboxId, sender: senderOf(params.sender), by: actor.userId } as const;
    const { position } = orReject(await platform.commands.transact(mailbox, mailboxKey(mailboxId), command, context));
    await settle(position, ['mailboxes']);
  });
};

/** @throws ApiError 400 */
const senderOf = (written: string): string => {
  const sender = blockableSender(written);
  if (sender === null) throw invalid([{ path: 'sender', message: 'must be an email address or a domain' }]);
  return sender;
};
