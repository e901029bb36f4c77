/** What people do about single recipients of an email that went out (mail-contract §3, §7). */
import { cancelEmailDelivery, dismissEmailDelivery, retryEmailDelivery } from '@tidings/contracts/http/deliveries';
import type { EmailId } from '@tidings/contracts/ids';
import { outbound, outboundKey, recipientAt } from '@tidings/domain/outbound/index';
import { deliveriesOf, deliveryView } from '@tidings/projections/deliveries/index';
import { emailIn } from '@tidings/projections/emails/index';
import type { FastifyInstance } from 'fastify';
import type { Actor } from '../../../http-kit/src/ctx.ts';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { assertMayInThread } from './thread-access.ts';

const ROUTES = [
  [retryEmailDelivery, 'RetryRecipient'],
  [cancelEmailDelivery, 'CancelRecipient'],
  [dismissEmailDelivery, 'DismissRecipient'],
] as const;

export const registerDeliveries = (app: FastifyInstance, platform: Platform): void => {
  for (const [route, type] of ROUTES) {
    handle(
      app,
      platform,
      route,
      async ({ actor, params: { emailId, recipient: address }, context, settle }) => {
        const { mailboxId, recipient } = await reachRecipient(platform, actor, emailId, address);
        const command = { type, recipient, by: actor.userId };
        const { position } = orReject(await platform.commands.transact(outbound, outboundKey(emailId), command, context));
        await settle(position, ['deliveries']);
        const found = await platform.read.any(deliveriesOf(platform.liveSchema('deliveries'), [emailId]));
        const [delivery] = deliveryView(found[recipient] ?? noSuchRecipient(), mailboxId);
        return delivery ?? noSuchRecipient();
      },
      { reads: ['emails'] },
    );
  }
};

const noSuchRecipient = (): never => {
  throw new ApiError('CONTENT_NOT_FOUND', 'This email does not go out to such a recipient.');
};

/** Through the mailbox that sent it alone. @throws ApiError 404 for who may not even see it, 403 for who may see it and not send */
const reachRecipient = async (platform: Platform, actor: Actor, emailId: EmailId, address: string) => {
  const { state } = await platform.commands.load(outbound, outboundKey(emailId));
  if (state.kind === 'none') return noSuchRecipient();
  const { mailboxId } = state;
  const [email] = await platform.read.any(emailIn(platform.liveSchema('emails'), emailId, [mailboxId]));
  if (email === undefined) return noSuchRecipient();
  await assertMayInThread(platform, actor, 'send', email.threadId, mailboxId);
  const recipient = recipientAt(state, address);
  return recipient === null ? noSuchRecipient() : { mailboxId, recipient };
};
