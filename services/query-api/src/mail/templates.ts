/** Templates and signatures. */
import { listDomainSignatures, listSignatures, listTemplates } from '@tidings/contracts/http/templates';
import { domainOf, type EmailAddress } from '@tidings/domain/mail/address';
import { mailboxById } from '@tidings/projections/mailboxes/index';
import { templatesOf, templateView } from '@tidings/projections/templates/index';
import type { FastifyInstance } from 'fastify';
import { handle } from '../../../http-kit/src/handle.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { assertMailbox, assertManagesDomain } from './access.ts';

const READS = { reads: ['mailboxes', 'templates'] };

export const registerTemplates = (app: FastifyInstance, platform: Platform): void => {
  for (const [route, kind] of [
    [listTemplates, 'message'],
    [listSignatures, 'signature'],
  ] as const) {
    handle(
      app,
      platform,
      route,
      async ({ actor, params: { mailboxId } }) => {
        await assertMailbox(platform, actor, mailboxId, 'read');
        const [held] = await platform.read.any(mailboxById(platform.liveSchema('mailboxes'), actor.userId, mailboxId));
        const domain = held === undefined ? '' : domainOf(held.address as EmailAddress); // kept as it was claimed
        const found = await platform.read.any(templatesOf(platform.liveSchema('templates'), [mailboxId, domain], kind));
        return { content: found.map((row) => templateView(row, domain)) };
      },
      READS,
    );
  }
  handle(
    app,
    platform,
    listDomainSignatures,
    async ({ actor, params }) => {
      const domain = await assertManagesDomain(platform, actor, params.domain);
      const found = await platform.read.any(templatesOf(platform.liveSchema('templates'), [domain], 'signature'));
      return { content: found.map((row) => templateView(row, domain)) };
    },
    READS,
  );
};
