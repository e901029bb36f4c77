/** How far imports are. */
import { getImport, type Import, listImports } from '@tidings/contracts/http/imports';
import type { MailboxId } from '@tidings/contracts/ids';
import { may, type MailAction } from '@tidings/domain/authorization/may';
import { importById, importsOf, importView } from '@tidings/projections/imports/index';
import { roleIn } from '@tidings/projections/mailboxes/index';
import type { FastifyInstance } from 'fastify';
import type { Actor } from '../../../http-kit/src/ctx.ts';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { noSuchMailbox } from './access.ts';

export const registerImports = (app: FastifyInstance, platform: Platform): void => {
  handle(
    app,
    platform,
    listImports,
    async ({ actor, params: { mailboxId } }) => {
      await assertMayOr(noSuchMailbox(), platform, actor, 'import', mailboxId);
      return { content: (await platform.read.any(importsOf(platform.liveSchema('imports'), mailboxId))).map(importView) };
    },
    { reads: ['mailboxes', 'imports'] },
  );

  handle(
    app,
    platform,
    getImport,
    async ({ actor, params: { importId } }): Promise<Import> => {
      const row = await platform.read.maybeOne(importById(platform.liveSchema('imports'), importId));
      if (row === null) throw noSuchImport();
      await assertMayOr(noSuchImport(), platform, actor, 'import', row.mailboxId);
      return importView(row);
    },
    { reads: ['mailboxes', 'imports'] },
  );
};

const noSuchImport = (): ApiError => new ApiError('CONTENT_NOT_FOUND', 'There is no such import among yours.');

/** @throws ApiError `missing` for who may not even see the mailbox, 403 for who may see it and no more */
export const assertMayOr = async (
  missing: ApiError,
  platform: Platform,
  actor: Actor,
  action: MailAction,
  mailboxId: MailboxId,
): Promise<void> => {
  const found = await platform.read.maybeOne(roleIn(platform.liveSchema('mailboxes'), actor.userId, mailboxId));
  if (found === null || !may(actor, 'read', { kind: 'mailbox', ...found })) throw missing;
  if (may(actor, action, { kind: 'mailbox', ...found })) return;
  throw new ApiError('INSUFFICIENT_PERMISSIONS', 'Your role in this mailbox does not allow this.');
};
