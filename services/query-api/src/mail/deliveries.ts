/** What became of outgoing emails. */
import { listEmailDeliveries } from '@tidings/contracts/http/deliveries';
import { deliveriesOf, deliveryView } from '@tidings/projections/deliveries/index';
import type { FastifyInstance } from 'fastify';
import { handle } from '../../../http-kit/src/handle.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { reachEmail } from './access.ts';

export const registerDeliveries = (app: FastifyInstance, platform: Platform): void => {
  handle(
    app,
    platform,
    listEmailDeliveries,
    async ({ actor, params: { emailId } }) => {
      const { mailboxId } = await reachEmail(platform, actor, emailId, undefined);
      const found = await platform.read.any(deliveriesOf(platform.liveSchema('deliveries'), [emailId]));
      return { content: found.flatMap((row) => deliveryView(row, mailboxId)) };
    },
    { reads: ['mailboxes', 'emails', 'deliveries'] },
  );
};
