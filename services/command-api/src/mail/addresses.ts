/** The addresses of mailboxes: which may be given to one, and giving them (docs/decisions/029). */
import type { MailboxId } from '@tidings/contracts/ids';
import { type Position, START } from '@tidings/contracts/ports/event-log';
import { address as addressDecider, addressKey, speaksForDomain } from '@tidings/domain/address/index';
import { may } from '@tidings/domain/authorization/may';
import { domainOf, type EmailAddress, normaliseAddress } from '@tidings/domain/mail/address';
import type { CommandContext } from '@tidings/infra/event-store/event-store';
import { mailboxById } from '@tidings/projections/mailboxes/index';
import * as E from 'fp-ts/lib/Either.js';
import type { Actor } from '../../../http-kit/src/ctx.ts';
import { ApiError, invalid } from '../../../http-kit/src/errors.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { besides } from '../chat/context.ts';
import { isDomainAdmin } from './access.ts';

/** @throws ApiError 400 for what is no address, or none that mail for us could have; `path` is where in the request it stands */
export const ourAddress = (platform: Platform, written: string, path: string): EmailAddress => {
  const normal = normaliseAddress(written);
  if (E.isLeft(normal)) throw invalid([{ path, message: `is no email address (${normal.left})` }]);
  const { mailDomains } = platform.config;
  if (!mailDomains.includes(domainOf(normal.right))) {
    throw invalid([{ path, message: `must be in one of our domains: ${mailDomains.join(', ')}` }]);
  }
  return normal.right;
};

interface Asked {
  readonly actor: Actor;
  readonly mailboxId: MailboxId;
  readonly context: CommandContext;
}

/**
 * Makes `written` the aliases of the mailbox: first claims what is new, so that one taken address changes nothing, then gives up the rest.
 * @throws ApiError 400, 403, 409
 */
export const setAliases = async (platform: Platform, asked: Asked, written: readonly string[]): Promise<Position> => {
  const { actor, mailboxId } = asked;
  const [held] = await platform.read.any(mailboxById(platform.liveSchema('mailboxes'), actor.userId, mailboxId));
  if (held === undefined) throw new ApiError('CONTENT_NOT_FOUND', 'There is no such mailbox among yours.');
  const wanted = new Set(written.map((one, at) => ourAddress(platform, one, `aliases.${at}`)));
  // What it is called anyway needs no second claim.
  for (const one of wanted) if (one === held.address) wanted.delete(one);
  // The read model keeps them as they were claimed, in normal form.
  const kept = new Set(held.aliases as readonly EmailAddress[]);
  const removed = [...kept].filter((one) => !wanted.has(one));
  await assertMayHave(
    platform,
    actor,
    domainOf(held.address as EmailAddress),
    [...wanted].filter((one) => !kept.has(one)),
  );
  // All of them, the kept too: the log knows what is ours, the read model what was a moment ago.
  const claimed = await claimAll(platform, asked, [...wanted]);
  return latest([claimed, ...(await releaseAll(platform, asked, removed))]);
};

/** Addresses in other domains than the mailbox's own, and those that speak for a domain, are for the domain's admins to give. */
const assertMayHave = async (platform: Platform, actor: Actor, own: string, added: readonly EmailAddress[]): Promise<void> => {
  for (const one of added) {
    if (domainOf(one) === own && !speaksForDomain(one)) continue;
    const isItsAdmin = await isDomainAdmin(platform, actor, domainOf(one));
    if (!may(actor, 'manage-domain', { kind: 'domain', isItsAdmin })) {
      throw new ApiError('INSUFFICIENT_PERMISSIONS', `${one} is for the admins of ${domainOf(one)} to give.`);
    }
  }
};

/** The main address and the aliases. */
export const allAddressesOf = async (platform: Platform, actor: Actor, mailboxId: MailboxId): Promise<readonly EmailAddress[]> => {
  const [held] = await platform.read.any(mailboxById(platform.liveSchema('mailboxes'), actor.userId, mailboxId));
  // The read model keeps them as they were claimed, in normal form.
  const all = held === undefined ? [] : [held.address, ...held.aliases].filter((one) => one !== '');
  return all as readonly string[] as readonly EmailAddress[];
};

/** All or none: when one is taken, those claimed before it are given up again. */
const claimAll = async (platform: Platform, { mailboxId, context }: Asked, wanted: readonly EmailAddress[]): Promise<Position> => {
  let position = START;
  const added: EmailAddress[] = [];
  for (const address of wanted) {
    const command = { type: 'ClaimAddress', address, mailboxId } as const;
    const claim = await platform.commands.transact(addressDecider, addressKey(address), command, besides(context, `claim ${address}`));
    if (E.isLeft(claim)) {
      await releaseAll(platform, { mailboxId, context: besides(context, 'undo') }, added);
      throw new ApiError('CONFLICT', 'This address is taken.', {
        fields: [{ path: 'aliases', message: `must be free: ${address} is taken` }],
      });
    }
    if (claim.right.events.length > 0) added.push(address);
    position = latest([position, claim.right.position]);
  }
  return position;
};

/** They are free for the next claim. */
export const releaseAll = (
  platform: Platform,
  { mailboxId, context }: Pick<Asked, 'mailboxId' | 'context'>,
  addresses: readonly EmailAddress[],
): Promise<readonly Position[]> =>
  Promise.all(
    addresses.map(async (address) => {
      const command = { type: 'ReleaseAddress', address, mailboxId } as const;
      const released = await platform.commands.transact(
        addressDecider,
        addressKey(address),
        command,
        besides(context, `release ${address}`),
      );
      return orReject(released).position;
    }),
  );

/** Positions of one shard sort as text. */
export const latest = (positions: readonly Position[]): Position => positions.reduce((a, b) => (a > b ? a : b), START);
