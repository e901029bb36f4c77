/** Contacts of a mailbox. */
import { getContact, listContacts } from '@tidings/contracts/http/contacts';
import { MAIL_PAGE } from '@tidings/contracts/http/mail';
import { contactById, contactsIn, contactsLike } from '@tidings/projections/contacts/index';
import type { FastifyInstance } from 'fastify';
import * as t from 'io-ts';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { decodeCursor } from '../chat/cursor.ts';
import { assertMailbox } from './access.ts';
import { mailPage } from './page.ts';

const ContactCursor = t.readonly(t.type({ email: t.string }));
const READS = ['mailboxes', 'contacts'] as const;

export const registerContacts = (app: FastifyInstance, platform: Platform): void => {
  const schema = (): string => platform.liveSchema('contacts');

  handle(
    app,
    platform,
    listContacts,
    async ({ actor, params: { mailboxId }, query: { q, cursor, limit = MAIL_PAGE } }) => {
      await assertMailbox(platform, actor, mailboxId, 'read');
      if (q !== undefined && q.trim() !== '') {
        return { content: await platform.read.any(contactsLike(schema(), mailboxId, q, limit)), cursor: null };
      }
      const after = decodeCursor(ContactCursor, cursor)?.email ?? null;
      const found = await platform.read.any(contactsIn(schema(), mailboxId, after, limit + 1));
      return mailPage(found, limit, ({ email }) => ({ email }), found);
    },
    { reads: READS },
  );

  handle(
    app,
    platform,
    getContact,
    async ({ actor, params: { mailboxId, contactId } }) => {
      await assertMailbox(platform, actor, mailboxId, 'read');
      const [found] = await platform.read.any(contactById(schema(), mailboxId, contactId));
      if (found === undefined) throw new ApiError('CONTENT_NOT_FOUND', 'There is no such contact in this mailbox.');
      return found;
    },
    { reads: READS },
  );
};
