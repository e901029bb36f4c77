/**
 * A user exists from the first valid token on (architecture §8), and owns the mailbox of their address when we serve its domain. Every step
 * is idempotent and in an order that a crash may cut anywhere: running it again finishes it.
 */
import { derivedId, type CommandId, type MailboxId } from '@tidings/contracts/ids';
import { START, type Position } from '@tidings/contracts/ports/event-log';
import { address, addressKey } from '@tidings/domain/address/index';
import { domainOf, type EmailAddress, normaliseAddress } from '@tidings/domain/mail/address';
import { mailbox, mailboxKey } from '@tidings/domain/mailbox/index';
import { user, userKey } from '@tidings/domain/user/index';
import type { CommandContext } from '@tidings/infra/event-store/event-store';
import * as E from 'fp-ts/lib/Either.js';
import { randomUUID } from 'node:crypto';
import type { Platform } from '../../platform/src/platform.ts';
import type { Actor } from './ctx.ts';
import { orReject } from './rejections.ts';

/** What is known of someone from their token, or from a list of demo users. */
export type Person = Pick<Actor, 'userId' | 'displayName' | 'email' | 'isAdmin'>;

export interface Provisioned {
  /** The mailbox of their address, or null: no address, not a domain of ours, or the address is another mailbox's. */
  readonly mailboxId: MailboxId | null;
  /** Of the last event this call added; `START` when there was nothing to do. */
  readonly position: Position;
}

/** The id of someone's personal mailbox: derived, so that a second run opens no second one. */
export const personalMailboxId = (person: Pick<Person, 'userId'>, email: EmailAddress): MailboxId =>
  derivedId<MailboxId>('mailbox', person.userId, email);

/**
 * Costs a few log reads; `createIdentity` sees to it that it runs once per process and person.
 * @throws ApiError 403 for an erased user; what `Commands.transact` throws
 */
export const provisionUser = async (platform: Platform, person: Person, traceId?: string): Promise<Provisioned> => {
  const registered = await register(platform, person, traceId);
  const opened = await openOwnMailbox(platform, person, traceId);
  return { mailboxId: opened.mailboxId, position: opened.position > registered ? opened.position : registered };
};

/** The mailbox of someone who is a user already, when their address is one of ours. */
export const openOwnMailbox = async (platform: Platform, owner: MailboxOwner, traceId?: string): Promise<Provisioned> => {
  const email = ourAddress(platform, owner.email);
  return email === null ? { mailboxId: null, position: START } : openPersonalMailbox(platform, owner, email, traceId);
};

export type MailboxOwner = Pick<Person, 'userId' | 'displayName' | 'email'>;

/** A random command id: what makes a second run harmless is the decision, which emits nothing for what is so already. */
const newContext = (traceId: string | undefined): CommandContext => ({
  commandId: randomUUID() as string as CommandId, // a UUID is what the codec asks for
  ...(traceId === undefined ? {} : { traceId }),
});

const register = async (platform: Platform, person: Person, traceId: string | undefined): Promise<Position> => {
  const { userId, displayName, email } = person;
  const role = person.isAdmin ? 'ADMIN' : 'USER';
  const key = userKey(userId);
  const registered = orReject(
    await platform.commands.transact(
      user,
      key,
      { type: 'RegisterUser', userId, displayName, email: kept(email), role },
      newContext(traceId),
    ),
  );
  if (registered.events.length > 0) return registered.position;
  const changed = orReject(
    await platform.commands.transact(user, key, { type: 'FollowIdentity', userId, displayName, role }, newContext(traceId)),
  );
  return changed.events.length > 0 ? changed.position : START;
};

/** `UserRegistered` keeps 3-320 characters; an issuer may say anything. */
const kept = (email: string | null): string | null => (email !== null && email.length >= 3 && email.length <= 320 ? email : null);

const ourAddress = (platform: Platform, email: string | null): EmailAddress | null => {
  if (email === null) return null;
  const normal = normaliseAddress(email);
  return E.isRight(normal) && platform.config.mailDomains.includes(domainOf(normal.right)) ? normal.right : null;
};

/** The address is claimed first, so no mailbox ever stands under an address that is another's. */
const openPersonalMailbox = async (
  platform: Platform,
  person: MailboxOwner,
  email: EmailAddress,
  traceId: string | undefined,
): Promise<Provisioned> => {
  const mailboxId = personalMailboxId(person, email);
  // Who manages the domain closed it for good; its owner lives on without.
  const { state } = await platform.commands.load(mailbox, mailboxKey(mailboxId));
  if (state.kind === 'closed') return { mailboxId: null, position: START };
  const claim = await platform.commands.transact(
    address,
    addressKey(email),
    { type: 'ClaimAddress', address: email, mailboxId },
    newContext(traceId),
  );
  if (E.isLeft(claim)) {
    platform.logger.warn(
      { user: person.userId, trace_id: traceId },
      'the address in a token belongs to another mailbox; no personal mailbox was opened',
    );
    return { mailboxId: null, position: START };
  }
  const opened = orReject(
    await platform.commands.transact(
      mailbox,
      mailboxKey(mailboxId),
      {
        type: 'OpenMailbox',
        mailboxId,
        kind: 'personal',
        address: email,
        name: person.displayName,
        members: [{ userId: person.userId, role: 'admin' }],
      },
      newContext(traceId),
    ),
  );
  return { mailboxId, position: opened.events.length > 0 ? opened.position : START };
};
