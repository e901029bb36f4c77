/** Who manages a mail domain (mail-contract §3, docs/decisions/029). */
import { addDomainAdmin, removeDomainAdmin } from '@tidings/contracts/http/domains';
import { domain, domainKey } from '@tidings/domain/domain/index';
import { readNamed } from '@tidings/projections/mailboxes/index';
import type { FastifyInstance } from 'fastify';
import { handle } from '../../../http-kit/src/handle.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { assertKnown } from '../chat/known-users.ts';
import { assertManagesDomain } from './access.ts';

export const registerDomains = (app: FastifyInstance, platform: Platform): void => {
  handle(app, platform, addDomainAdmin, async ({ actor, params, context, settle }) => {
    const { userId } = params;
    const name = await assertManagesDomain(platform, actor, params.domain);
    await assertKnown(platform, [userId]);
    const command = { type: 'AddDomainAdmin', domain: name, userId, by: actor.userId } as const;
    const { position } = orReject(await platform.commands.transact(domain, domainKey(name), command, context));
    await settle(position, ['mailboxes']);
    const [shown] = await readNamed(platform, [userId]);
    if (shown === undefined) throw new Error('a domain admin was read and lost');
    return shown;
  });

  handle(app, platform, removeDomainAdmin, async ({ actor, params, context, settle }) => {
    const name = await assertManagesDomain(platform, actor, params.domain);
    const command = { type: 'RemoveDomainAdmin', domain: name, userId: params.userId, by: actor.userId } as const;
    const { position } = orReject(await platform.commands.transact(domain, domainKey(name), command, context));
    await settle(position, ['mailboxes']);
  });
};
