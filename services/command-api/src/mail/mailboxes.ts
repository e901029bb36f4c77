/** Opening mailboxes and deciding who is in them (mail-contract §3). */
import { changeMailbox, closeMailbox } from '@tidings/contracts/http/mailboxes';
import { openMailbox, removeMailboxMember, setMailboxMember } from '@tidings/contracts/http/mail';
import type { Mailbox } from '@tidings/contracts/http/mail-objects';
import { derivedId, type MailboxId, type UserId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import { address as addressDecider, addressKey } from '@tidings/domain/address/index';
import { may } from '@tidings/domain/authorization/may';
import { domainOf } from '@tidings/domain/mail/address';
import { mailbox, mailboxKey } from '@tidings/domain/mailbox/index';
import { mailboxById, readMailboxes, readMembers } from '@tidings/projections/mailboxes/index';
import type { FastifyInstance } from 'fastify';
import { ApiError, invalid } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { besides } from '../chat/context.ts';
import { assertKnown } from '../chat/known-users.ts';
import { assertMay, assertManagesMailboxDomain, isDomainAdmin } from './access.ts';
import { allAddressesOf, latest, ourAddress, releaseAll, setAliases } from './addresses.ts';

export const registerMailboxes = (app: FastifyInstance, platform: Platform): void => {
  handle(
    app,
    platform,
    openMailbox,
    async ({ actor, body: { kind, name, members: asked, address: written }, operationId, context, settle }) => {
      const address = ourAddress(platform, written, 'address');
      const isItsAdmin = await isDomainAdmin(platform, actor, domainOf(address));
      if (!may(actor, 'open-mailbox', { kind: 'domain', isItsAdmin })) {
        throw new ApiError('INSUFFICIENT_PERMISSIONS', 'Only domain admins open mailboxes.');
      }
      const members = asked ?? [{ userId: actor.userId, role: 'admin' as const }];
      if (!members.some(({ role }) => role === 'admin')) throw invalid([{ path: 'members', message: 'must name an admin' }]);
      if (new Set(members.map(({ userId }) => userId)).size < members.length)
        throw invalid([{ path: 'members', message: 'must name each user once' }]);
      await assertKnown(
        platform,
        members.map(({ userId }) => userId),
      );

      const mailboxId = derivedId<MailboxId>('shared-mailbox', operationId);
      // The address first, so that no mailbox stands under one that is another's. A crash in between is mended by the retry.
      const claim = { type: 'ClaimAddress', address, mailboxId } as const;
      orReject(await platform.commands.transact(addressDecider, addressKey(address), claim, besides(context, 'claim')));
      const open = { type: 'OpenMailbox', mailboxId, kind, address, name, members } as const;
      const opened = orReject(await platform.commands.transact(mailbox, mailboxKey(mailboxId), open, context));
      await settle(opened.position, ['mailboxes']);
      return readMailbox(platform, actor.userId, mailboxId);
    },
    { idempotent: true },
  );

  handle(app, platform, changeMailbox, async ({ actor, params: { mailboxId }, body: { name, aliases, quotaBytes }, context, settle }) => {
    await assertMay(platform, actor, 'manage-mailbox', mailboxId);
    if (quotaBytes !== undefined) await assertManagesMailboxDomain(platform, actor, mailboxId);
    const positions: Position[] = [];
    if (aliases !== undefined) positions.push(await setAliases(platform, { actor, mailboxId, context }, aliases));
    if (name !== undefined) {
      const command = { type: 'RenameMailbox', mailboxId, name } as const;
      positions.push(orReject(await platform.commands.transact(mailbox, mailboxKey(mailboxId), command, context)).position);
    }
    if (quotaBytes !== undefined) {
      const command = { type: 'SetMailboxQuota', mailboxId, bytes: quotaBytes, by: actor.userId } as const;
      const set = await platform.commands.transact(mailbox, mailboxKey(mailboxId), command, besides(context, 'quota'));
      positions.push(orReject(set).position);
    }
    await settle(latest(positions), ['mailboxes']);
    return readMailbox(platform, actor.userId, mailboxId);
  });

  handle(app, platform, closeMailbox, async ({ actor, params: { mailboxId }, context, settle }) => {
    await assertManagesMailboxDomain(platform, actor, mailboxId);
    // The addresses first: nobody knows them once the mailbox is closed.
    const freed = await releaseAll(platform, { mailboxId, context }, await allAddressesOf(platform, actor, mailboxId));
    const command = { type: 'CloseMailbox', mailboxId, by: actor.userId } as const;
    const closed = orReject(await platform.commands.transact(mailbox, mailboxKey(mailboxId), command, context));
    await settle(latest([...freed, closed.position]), ['mailboxes']);
  });

  handle(app, platform, setMailboxMember, async ({ actor, params: { mailboxId, userId }, body: { role }, context, settle }) => {
    await assertMay(platform, actor, 'manage-members', mailboxId);
    await assertKnown(platform, [userId]);
    const command = { type: 'SetMailboxMember', mailboxId, userId, role } as const;
    const { position } = orReject(await platform.commands.transact(mailbox, mailboxKey(mailboxId), command, context));
    await settle(position, ['mailboxes']);
    const [shown] = await readMembers(platform, [{ userId, role }]);
    if (shown === undefined) throw new Error('a member was read and lost');
    return shown;
  });

  handle(app, platform, removeMailboxMember, async ({ actor, params: { mailboxId, userId }, context, settle }) => {
    await assertMay(platform, actor, 'manage-members', mailboxId);
    const command = { type: 'RemoveMailboxMember', mailboxId, userId } as const;
    const { position } = orReject(await platform.commands.transact(mailbox, mailboxKey(mailboxId), command, context));
    await settle(position, ['mailboxes']);
  });
};

const readMailbox = async (platform: Platform, viewer: UserId, mailboxId: MailboxId): Promise<Mailbox> => {
  const found = await platform.read.any(mailboxById(platform.liveSchema('mailboxes'), viewer, mailboxId));
  const [shown] = await readMailboxes(platform, found);
  if (shown === undefined) throw new Error('a mailbox was opened and cannot be read');
  return shown;
};
