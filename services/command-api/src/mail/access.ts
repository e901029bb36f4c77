/** Who may change what. Decided on the log's own state of the mailbox, so that a role taken away counts at once. */
import type { MailboxId } from '@tidings/contracts/ids';
import { isShredded, type Sealed } from '@tidings/contracts/sealed';
import { may, type MailAction } from '@tidings/domain/authorization/may';
import { domain, domainKey } from '@tidings/domain/domain/index';
import { domainOf, type EmailAddress, normaliseDomain } from '@tidings/domain/mail/address';
import { mailbox, mailboxKey, roleOf } from '@tidings/domain/mailbox/index';
import type { Actor } from '../../../http-kit/src/ctx.ts';
import { ApiError } from '../../../http-kit/src/errors.ts';
import type { Platform } from '../../../platform/src/platform.ts';

/** @throws ApiError 404 for who may not even see the mailbox, 403 for who may see it and no more */
export const assertMay = async (platform: Platform, actor: Actor, action: MailAction, mailboxId: MailboxId): Promise<void> => {
  const { state } = await platform.commands.load(mailbox, mailboxKey(mailboxId));
  const resource = { kind: 'mailbox', role: roleOf(state, actor.userId) } as const;
  if (state.kind === 'open') {
    if (may(actor, action, resource)) return;
    const isItsDomainAdmin = await managesDomainOf(platform, actor, state.address);
    if (isItsDomainAdmin && may(actor, action, { ...resource, isItsDomainAdmin })) return;
  }
  if (state.kind === 'open' && may(actor, 'read', resource)) {
    throw new ApiError('INSUFFICIENT_PERMISSIONS', 'Your role in this mailbox does not allow this.');
  }
  throw noSuchMailbox();
};

const noSuchMailbox = (): ApiError => new ApiError('CONTENT_NOT_FOUND', 'There is no such mailbox among yours.');

/**
 * Closing a mailbox and saying how much it may hold is for who manages its domain, not for its own admins.
 * @throws ApiError 404 for who may not even see the mailbox, 403 for who may see it
 */
export const assertManagesMailboxDomain = async (platform: Platform, actor: Actor, mailboxId: MailboxId): Promise<void> => {
  const { state } = await platform.commands.load(mailbox, mailboxKey(mailboxId));
  if (state.kind !== 'open') throw noSuchMailbox();
  if (may(actor, 'manage-domain', { kind: 'domain', isItsAdmin: await managesDomainOf(platform, actor, state.address) })) return;
  await assertMay(platform, actor, 'read', mailboxId);
  throw new ApiError('INSUFFICIENT_PERMISSIONS', 'This is for admins of the mailbox’s domain.');
};

const managesDomainOf = async (platform: Platform, actor: Actor, address: Sealed<string>): Promise<boolean> =>
  // Kept as it was claimed, in normal form.
  !isShredded(address) && isDomainAdmin(platform, actor, domainOf(address as EmailAddress));

/** Whether the actor was made an admin of the domain; administrators of the service manage every one without it. */
export const isDomainAdmin = async (platform: Platform, actor: Actor, name: string): Promise<boolean> =>
  (await platform.commands.load(domain, domainKey(name))).state.admins.has(actor.userId);

/** The domain in normal form, when it is ours and the actor's to manage. @throws ApiError 404 */
export const assertManagesDomain = async (platform: Platform, actor: Actor, written: string): Promise<string> => {
  const name = normaliseDomain(written);
  if (name !== null && platform.config.mailDomains.includes(name)) {
    const isItsAdmin = await isDomainAdmin(platform, actor, name);
    if (may(actor, 'manage-domain', { kind: 'domain', isItsAdmin })) return name;
  }
  throw new ApiError('CONTENT_NOT_FOUND', 'There is no such domain among yours.');
};
