/** What became of outgoing emails. */
import { getDeliveryReport, listEmailDeliveries } from '@tidings/contracts/http/deliveries';
import { normalForm } from '@tidings/domain/outbound/distinct';
import { deliveriesOf, deliveryView } from '@tidings/projections/deliveries/index';
import type { FastifyInstance } from 'fastify';
import { bytes } from '../../../http-kit/src/ctx.ts';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { reachEmail } from './access.ts';
import { downloadHeaders } from './download.ts';

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
    READS,
  );

  handle(
    app,
    platform,
    getDeliveryReport,
    async ({ actor, params: { emailId, recipient }, reply }) => {
      const { mailboxId } = await reachEmail(platform, actor, emailId, undefined);
      const found = await platform.read.any(deliveriesOf(platform.liveSchema('deliveries'), [emailId]));
      const asked = normalForm(recipient);
      const row = found.find((one) => deliveryView(one, mailboxId).some((shown) => normalForm(shown.recipient) === asked));
      // Reports are letters to who sent the mail: they may name more than the recipient.
      if (row === undefined || row.reportBlobId === null || row.mailboxId !== mailboxId) throw noReport();
      void reply.headers(downloadHeaders(`report-${emailId}.eml`));
      return bytes(await platform.blobs.get(row.reportBlobId), 'message/rfc822');
    },
    READS,
  );
};

const READS = { reads: ['mailboxes', 'emails', 'deliveries'] };
const noReport = (): ApiError => new ApiError('CONTENT_NOT_FOUND', 'Nothing came back about such a recipient.');
