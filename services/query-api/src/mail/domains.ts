/** Mail domains for those who manage them (mail-contract §3). */
import { getDomainDns, listDomainAdmins, listDomainMailboxes, listDomains } from '@tidings/contracts/http/domains';
import { MAIL_PAGE } from '@tidings/contracts/http/mail';
import { MailboxId } from '@tidings/contracts/ids';
import type { Dns } from '@tidings/contracts/ports/dns';
import { publishedKeys } from '@tidings/infra/dkim/keys';
import { adminsOf, MAILBOX_READS, mailboxesIn, mailboxesPerDomain, readMailboxes, readNamed } from '@tidings/projections/mailboxes/index';
import type { FastifyInstance } from 'fastify';
import * as t from 'io-ts';
import { handle } from '../../../http-kit/src/handle.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { decodeCursor } from '../chat/cursor.ts';
import { assertManagesDomain, managedDomains } from './access.ts';
import { checkRecords } from './dns-records.ts';
import { mailPage } from './page.ts';

const MailboxCursor = t.readonly(t.type({ address: t.string, id: MailboxId }));

export const registerDomains = (app: FastifyInstance, platform: Platform, dns: () => Dns): void => {
  const schema = (): string => platform.liveSchema('mailboxes');

  handle(
    app,
    platform,
    listDomains,
    async ({ actor }) => {
      const domains = await managedDomains(platform, actor);
      const found = domains.length === 0 ? [] : await platform.read.any(mailboxesPerDomain(schema(), domains));
      const counted = new Map(found.map(({ domain, mailboxes }) => [domain, mailboxes]));
      return { content: domains.map((domain) => ({ domain, mailboxes: counted.get(domain) ?? 0 })), cursor: null };
    },
    { reads: ['mailboxes'] },
  );

  handle(
    app,
    platform,
    listDomainMailboxes,
    async ({ actor, params, query: { cursor, limit = MAIL_PAGE } }) => {
      const domain = await assertManagesDomain(platform, actor, params.domain);
      const page = { after: decodeCursor(MailboxCursor, cursor), limit: limit + 1 };
      const found = await platform.read.any(mailboxesIn(schema(), actor.userId, domain, page));
      return mailPage(found, limit, ({ address, id }) => ({ address, id }), await readMailboxes(platform, found));
    },
    { reads: MAILBOX_READS },
  );

  handle(
    app,
    platform,
    listDomainAdmins,
    async ({ actor, params }) => {
      const domain = await assertManagesDomain(platform, actor, params.domain);
      const admins = await platform.read.any(adminsOf(schema(), domain));
      const content = await readNamed(
        platform,
        admins.map(({ userId }) => userId),
      );
      return { content, cursor: null };
    },
    { reads: ['mailboxes', 'users'] },
  );

  handle(
    app,
    platform,
    getDomainDns,
    async ({ actor, params }) => {
      const domain = await assertManagesDomain(platform, actor, params.domain);
      const keys = await publishedKeys(platform.pool, platform.keys, domain, platform.now());
      return { domain, records: await checkRecords(dns(), domain, platform.config.mailHost, keys) };
    },
    { reads: ['mailboxes'] },
  );
};
