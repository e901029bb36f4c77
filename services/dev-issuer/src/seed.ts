/** What a fresh development system begins with: the demo people with their mailboxes, and a mailbox they share. */
import { derivedId, type CommandId, type MailboxId } from '@tidings/contracts/ids';
import { address, addressKey } from '@tidings/domain/address/index';
import { normaliseAddress } from '@tidings/domain/mail/address';
import { mailbox, mailboxKey } from '@tidings/domain/mailbox/index';
import { user, userKey } from '@tidings/domain/user/index';
import * as E from 'fp-ts/lib/Either.js';
import { provisionUser } from '../../http-kit/src/provisioning.ts';
import type { Platform } from '../../platform/src/platform.ts';
import { demoPeople } from './people.ts';

/** Who answers mail to `contact@<domain>`, and what each may do there. */
const CONTACT_ROLES = { alice: 'admin', bob: 'sender', carol: 'viewer' } as const;

/** Idempotent: adds what is missing, and nobody who was erased. @throws what `Commands.transact` throws */
export const seedDemo = async (platform: Platform): Promise<void> => {
  const domain = platform.config.mailDomains[0] ?? 'tidings.test';
  for (const { userId, displayName, email } of demoPeople(domain)) {
    const { state } = await platform.commands.load(user, userKey(userId));
    if (state.kind === 'erased') continue; // and stays so
    await provisionUser(platform, { userId, displayName, email, isAdmin: false });
  }
  await openContactMailbox(platform, `contact@${domain}`);
};

const openContactMailbox = async (platform: Platform, contact: string): Promise<void> => {
  const normal = normaliseAddress(contact);
  if (E.isLeft(normal)) return; // MAIL_DOMAINS was checked at start-up
  const domain = contact.slice(contact.indexOf('@') + 1);
  const mailboxId = derivedId<MailboxId>('demo-contact', contact);
  const claim = await platform.commands.transact(
    address,
    addressKey(normal.right),
    { type: 'ClaimAddress', address: normal.right, mailboxId },
    { commandId: derivedId<CommandId>('demo-contact-address', contact) },
  );
  if (E.isLeft(claim)) return platform.logger.warn({ contact }, 'the shared demo address belongs to another mailbox; none was opened');
  await platform.commands.transact(
    mailbox,
    mailboxKey(mailboxId),
    {
      type: 'OpenMailbox',
      mailboxId,
      kind: 'shared',
      address: normal.right,
      name: 'Contact',
      members: demoPeople(domain).flatMap(({ username, userId }) =>
        username in CONTACT_ROLES ? [{ userId, role: CONTACT_ROLES[username as keyof typeof CONTACT_ROLES] }] : [],
      ),
    },
    { commandId: derivedId<CommandId>('demo-contact-mailbox', contact) },
  );
};
