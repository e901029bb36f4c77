/** What a mailbox answers without anybody writing it. */
import { getAutoreply, getReceiptPolicy } from '@tidings/contracts/http/answering';
import { isActiveAt } from '@tidings/domain/answering/index';
import { autoreplyOf, receiptPolicyOf } from '@tidings/projections/answers/index';
import type { FastifyInstance } from 'fastify';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { assertMailbox } from './access.ts';

const READS = { reads: ['mailboxes', 'answers'] };

export const registerAnswering = (app: FastifyInstance, platform: Platform): void => {
  handle(
    app,
    platform,
    getAutoreply,
    async ({ actor, params: { mailboxId }, at }) => {
      await assertMailbox(platform, actor, mailboxId, 'read');
      const [found] = await platform.read.any(autoreplyOf(platform.liveSchema('answers'), mailboxId));
      if (found === undefined) throw new ApiError('CONTENT_NOT_FOUND', 'This mailbox has no automatic reply.');
      const { isActive, schedule, content } = found;
      return { isActive, isActiveNow: isActiveAt(found, at), schedule, ...content };
    },
    READS,
  );
  handle(
    app,
    platform,
    getReceiptPolicy,
    async ({ actor, params: { mailboxId } }) => {
      await assertMailbox(platform, actor, mailboxId, 'read');
      const [found] = await platform.read.any(receiptPolicyOf(platform.liveSchema('answers'), mailboxId));
      return { policy: found?.policy ?? 'ask' };
    },
    READS,
  );
};
