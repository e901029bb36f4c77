/** The personal mailboxes of someone who is erased: their addresses are free again, and then they are closed. */
import { derivedId, type CommandId, type MailboxId, type UserId } from '@tidings/contracts/ids';
import { address, addressKey } from '@tidings/domain/address/index';
import { normaliseAddress } from '@tidings/domain/mail/address';
import { mailbox, mailboxKey } from '@tidings/domain/mailbox/index';
import type { CommandContext } from '@tidings/infra/event-store/event-store';
import { addressesOf, rolesOf } from '@tidings/projections/mailboxes/index';
import * as E from 'fp-ts/lib/Either.js';
import { orReject } from '../../../http-kit/src/rejections.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import type { Erasure } from './erasure.ts';

/** Those in which they are a guest are not among them. */
export const ownMailboxesOf = async (platform: Platform, userId: UserId): Promise<readonly MailboxId[]> => {
  const memberships = await platform.read.any(rolesOf(platform.liveSchema('mailboxes'), userId));
  const states = await Promise.all(memberships.map(({ mailboxId }) => platform.commands.load(mailbox, mailboxKey(mailboxId))));
  return memberships.flatMap(({ mailboxId }, at) => {
    const state = states[at]?.state;
    return state?.kind === 'open' && state.owner === userId ? [mailboxId] : [];
  });
};

/** From now on mail to them is refused as to anybody unknown, until a mailbox of somebody else claims them. */
export const giveUpAddresses = async (platform: Platform, mailboxId: MailboxId, context: CommandContext): Promise<void> => {
  for (const { address: written } of await platform.read.any(addressesOf(platform.liveSchema('mailboxes'), mailboxId))) {
    const known = normaliseAddress(written);
    if (E.isLeft(known)) continue; // the mailbox's key went in an earlier try, and its addresses before it
    const command = { type: 'ReleaseAddress', address: known.right, mailboxId } as const;
    const commandId = derivedId<CommandId>('erasure', context.commandId, 'address', mailboxId, known.right);
    orReject(await platform.commands.transact(address, addressKey(known.right), command, { ...context, commandId }));
  }
};

export const closeMailboxes = async (platform: Platform, { by, context }: Erasure, mailboxes: readonly MailboxId[]): Promise<void> => {
  for (const mailboxId of mailboxes) {
    const commandId = derivedId<CommandId>('erasure', context.commandId, 'mailbox', mailboxId);
    orReject(
      await platform.commands.transact(mailbox, mailboxKey(mailboxId), { type: 'CloseMailbox', mailboxId, by }, { ...context, commandId }),
    );
  }
};
