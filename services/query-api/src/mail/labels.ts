/** The labels of a mailbox. */
import { listLabels } from '@tidings/contracts/http/labels';
import { labelsOf } from '@tidings/projections/thread-marks/index';
import type { FastifyInstance } from 'fastify';
import { handle } from '../../../http-kit/src/handle.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { assertMailbox } from './access.ts';

export const registerLabels = (app: FastifyInstance, platform: Platform): void => {
  handle(
    app,
    platform,
    listLabels,
    async ({ actor, params: { mailboxId } }) => {
      await assertMailbox(platform, actor, mailboxId, 'read');
      return { content: await platform.read.any(labelsOf(platform.liveSchema('thread-marks'), mailboxId)) };
    },
    { reads: ['mailboxes', 'thread-marks'] },
  );
};
