/** Contacts of a mailbox as its members want them (mail-contract §3). */
import { contactEmail, contactIdOf } from '@tidings/contracts/contact-key';
import { type Contact, removeContact, renameContact, saveContact } from '@tidings/contracts/http/contacts';
import type { ContactId, MailboxId } from '@tidings/contracts/ids';
import { contact, contactKey } from '@tidings/domain/contact/index';
import { type EmailAddress, normaliseAddress } from '@tidings/domain/mail/address';
import { contactById } from '@tidings/projections/contacts/index';
import type { FastifyInstance } from 'fastify';
import * as E from 'fp-ts/lib/Either.js';
import { ApiError, invalid } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { assertMay } from './access.ts';

export const registerContacts = (app: FastifyInstance, platform: Platform): void => {
  const read = async (mailboxId: MailboxId, contactId: ContactId): Promise<Contact> => {
    const [found] = await platform.read.any(contactById(platform.liveSchema('contacts'), mailboxId, contactId));
    if (found === undefined) throw new ApiError('CONTENT_NOT_FOUND', 'There is no such contact in this mailbox.');
    return found;
  };

  handle(app, platform, saveContact, async ({ actor, params: { mailboxId }, body: { email: written, name = null }, context, settle }) => {
    await assertMay(platform, actor, 'edit-contacts', mailboxId);
    const email = addressOf(written);
    const contactId = contactIdOf(mailboxId, email);
    const command = { type: 'SaveContact', mailboxId, contactId, email, name, by: actor.userId } as const;
    const { position } = orReject(await platform.commands.transact(contact, contactKey(mailboxId, contactId), command, context));
    await settle(position, ['contacts']);
    return read(mailboxId, contactId);
  });

  handle(app, platform, renameContact, async ({ actor, params: { mailboxId, contactId }, body: { name }, context, settle }) => {
    await assertMay(platform, actor, 'edit-contacts', mailboxId);
    // The read model keeps addresses in the form that `addressOf` gives.
    const email = (await read(mailboxId, contactId)).email as EmailAddress;
    const command = { type: 'SaveContact', mailboxId, contactId, email, name, by: actor.userId } as const;
    const { position } = orReject(await platform.commands.transact(contact, contactKey(mailboxId, contactId), command, context));
    await settle(position, ['contacts']);
    return read(mailboxId, contactId);
  });

  handle(app, platform, removeContact, async ({ actor, params: { mailboxId, contactId }, context, settle }) => {
    await assertMay(platform, actor, 'edit-contacts', mailboxId);
    await read(mailboxId, contactId);
    const command = { type: 'RemoveContact', mailboxId, contactId, by: actor.userId } as const;
    const { position } = orReject(await platform.commands.transact(contact, contactKey(mailboxId, contactId), command, context));
    await settle(position, ['contacts']);
  });
};

/** @throws ApiError 400 */
const addressOf = (written: string): EmailAddress => {
  const normal = normaliseAddress(written.trim());
  if (E.isLeft(normal) || contactEmail(normal.right) !== normal.right) {
    throw invalid([{ path: 'email', message: 'is no email address' }]);
  }
  return normal.right;
};
