/** What the caller may see of mail. What they may not looks like what does not exist. */
import type { MailboxRole } from '@tidings/contracts/events/mailbox';
import type { EmailId, MailboxId, ThreadId } from '@tidings/contracts/ids';
import { may, type MailAction } from '@tidings/domain/authorization/may';
import { normaliseDomain } from '@tidings/domain/mail/address';
import { type HeldEmail, emailIn } from '@tidings/projections/emails/index';
import { domainsOf, roleIn, rolesOf } from '@tidings/projections/mailboxes/index';
import { type ListedThread, threadsIn } from '@tidings/projections/threads/index';
import type { Actor } from '../../../http-kit/src/ctx.ts';
import { ApiError } from '../../../http-kit/src/errors.ts';
import type { Platform } from '../../../platform/src/platform.ts';

export const noSuchMailbox = (): ApiError => new ApiError('CONTENT_NOT_FOUND', 'There is no such mailbox among yours.');
export const noSuchThread = (): ApiError => new ApiError('CONTENT_NOT_FOUND', 'There is no such thread among yours.');
export const noSuchEmail = (): ApiError => new ApiError('CONTENT_NOT_FOUND', 'There is no such email among yours.');

/** The caller may do at least one of `actions` in the mailbox. @throws ApiError 404 */
export const assertMailbox = async (
  platform: Platform,
  actor: Actor,
  mailbox: MailboxId,
  ...actions: readonly MailAction[]
): Promise<void> => {
  const found = await platform.read.maybeOne(roleIn(platform.liveSchema('mailboxes'), actor.userId, mailbox));
  const allowed = found !== null && actions.some((action) => may(actor, action, { kind: 'mailbox', ...found }));
  if (!allowed) throw noSuchMailbox();
};

/** The caller's mailboxes, those where they may do most first: through these a thread or an email is looked for. Only what they may read is in it. */
export const readableMailboxes = async (
  platform: Platform,
  actor: Actor,
  through: MailboxId | undefined,
): Promise<readonly MailboxId[]> => {
  const roles = await platform.read.any(rolesOf(platform.liveSchema('mailboxes'), actor.userId));
  return roles
    .filter(({ mailboxId, role }) => (through === undefined || mailboxId === through) && canRead(actor, role))
    .toSorted((a, b) => reach(actor, b.role) - reach(actor, a.role))
    .map(({ mailboxId }) => mailboxId);
};

/** Whatever a thread is to the mailbox, its readers read it. */
const canRead = (actor: Actor, role: MailboxRole): boolean => may(actor, 'read', { kind: 'thread', links: [{ role, access: 'editor' }] });

const LADDER: readonly MailAction[] = ['read', 'flag', 'send', 'manage-labels'];
const reach = (actor: Actor, role: MailboxRole): number => LADDER.filter((action) => may(actor, action, { kind: 'mailbox', role })).length;

export interface ReachedThread {
  readonly thread: ListedThread;
  /** The caller's mailboxes that hold it. */
  readonly through: readonly MailboxId[];
}

/** @throws ApiError 404 */
export const reachThread = async (
  platform: Platform,
  actor: Actor,
  id: ThreadId,
  through: MailboxId | undefined,
): Promise<ReachedThread> => {
  const mailboxes = await readableMailboxes(platform, actor, through);
  const found = mailboxes.length === 0 ? [] : await platform.read.any(threadsIn(platform.liveSchema('threads'), [id], mailboxes));
  const ranked = mailboxes.flatMap((mailbox) => found.find(({ mailboxId }) => mailboxId === mailbox) ?? []);
  const [thread] = ranked;
  if (thread === undefined) throw noSuchThread();
  return { thread, through: ranked.map(({ mailboxId }) => mailboxId) };
};

/** @throws ApiError 404 */
export const reachEmail = async (platform: Platform, actor: Actor, id: EmailId, through: MailboxId | undefined): Promise<HeldEmail> => {
  const mailboxes = await readableMailboxes(platform, actor, through);
  const found = mailboxes.length === 0 ? [] : await platform.read.any(emailIn(platform.liveSchema('emails'), id, mailboxes));
  const [email] = mailboxes.flatMap((mailbox) => found.find(({ mailboxId }) => mailboxId === mailbox) ?? []);
  if (email === undefined) throw noSuchEmail();
  return email;
};

/** Our mail domains that the caller manages. */
export const managedDomains = async (platform: Platform, actor: Actor): Promise<readonly string[]> => {
  const own = new Set((await platform.read.any(domainsOf(platform.liveSchema('mailboxes'), actor.userId))).map(({ domain }) => domain));
  return platform.config.mailDomains.filter((domain) => may(actor, 'manage-domain', { kind: 'domain', isItsAdmin: own.has(domain) }));
};

/** The domain in normal form. @throws ApiError 404 */
export const assertManagesDomain = async (platform: Platform, actor: Actor, written: string): Promise<string> => {
  const domain = normaliseDomain(written);
  if (domain === null || !(await managedDomains(platform, actor)).includes(domain)) {
    throw new ApiError('CONTENT_NOT_FOUND', 'There is no such domain among yours.');
  }
  return domain;
};
