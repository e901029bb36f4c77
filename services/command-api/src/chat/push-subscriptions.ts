/** Browsers that want Web Push. */
import { subscribeToPush, unsubscribeFromPush } from '@tidings/contracts/http/push';
import { derivedId, type SubscriptionId } from '@tidings/contracts/ids';
import { push, pushKey } from '@tidings/domain/push/index';
import { faultOfUrl, guardOf } from '@tidings/infra/webhooks/guard';
import type { FastifyInstance } from 'fastify';
import { invalid } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import type { Platform } from '../../../platform/src/platform.ts';

const READS = ['push-subscriptions'];

export const registerPushSubscriptions = (app: FastifyInstance, platform: Platform): void => {
  const guard = guardOf(platform.config);

  handle(
    app,
    platform,
    subscribeToPush,
    async ({ actor: { userId }, body: { endpoint, keys }, context, settle }) => {
      const fault = faultOfUrl(endpoint, guard);
      if (fault !== null) throw invalid([{ path: 'endpoint', message: fault }]);
      const id = derivedId<SubscriptionId>('push-subscription', userId, endpoint);
      const command = { type: 'SubscribeToPush', subscriptionId: id, userId, endpoint, keys } as const;
      const { position } = orReject(await platform.commands.transact(push, pushKey(userId, id), command, context));
      await settle(position, READS);
      return { id };
    },
    { idempotent: true },
  );

  handle(app, platform, unsubscribeFromPush, async ({ actor: { userId }, params: { subscriptionId }, context, settle }) => {
    const command = { type: 'UnsubscribeFromPush', subscriptionId, userId } as const;
    const { position } = orReject(await platform.commands.transact(push, pushKey(userId, subscriptionId), command, context));
    await settle(position, READS);
  });
};
