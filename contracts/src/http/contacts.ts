/** Contacts of a mailbox (mail-contract §3): learnt from its mail, corrected by its members. */
import * as t from 'io-ts';
import { int, nullable, text } from '../codec.ts';
import { ContactId, MailboxId } from '../ids.ts';
import { Timestamp } from '../time.ts';
import { mailPageOf } from './mail-objects.ts';
import { LARGEST_MAIL_PAGE } from './mail.ts';
import { intParam } from './query.ts';
import { defineRoute, type Route } from './route.ts';

const mailboxParams = t.readonly(t.type({ mailboxId: MailboxId }));
const contactParams = t.readonly(t.type({ mailboxId: MailboxId, contactId: ContactId }));

export const Contact = t.readonly(
  t.type({
    id: ContactId,
    email: t.string,
    /** As somebody saved it, else as the last mail that named them says. */
    name: nullable(t.string),
    saved: t.boolean,
    /** Emails of the mailbox that they wrote or got; 0 for who was only written down. */
    times: int(0),
    lastSeenAt: nullable(Timestamp),
  }),
);
export type Contact = t.TypeOf<typeof Contact>;

const name = nullable(text(1, 200));

export const listContacts = defineRoute({
  id: 'listContacts',
  method: 'GET',
  path: '/api/mailboxes/{mailboxId}/contacts',
  tag: 'Contacts',
  summary:
    'The contacts of a mailbox, by address. With `q`, those with words in name or address that begin so, on one page, the ones seen most often first: for completing what somebody types.',
  params: mailboxParams,
  query: t.partial({ q: text(1, 100), cursor: t.string, limit: intParam(1, LARGEST_MAIL_PAGE) }),
  response: mailPageOf(Contact),
  errors: [404],
});

export const getContact = defineRoute({
  id: 'getContact',
  method: 'GET',
  path: '/api/mailboxes/{mailboxId}/contacts/{contactId}',
  tag: 'Contacts',
  summary: 'One contact.',
  params: contactParams,
  response: Contact,
  errors: [404],
});

export const saveContact = defineRoute({
  id: 'saveContact',
  method: 'POST',
  path: '/api/mailboxes/{mailboxId}/contacts',
  tag: 'Contacts',
  summary: 'Writes down a contact; an address is one contact, so a second time changes its name. For editors.',
  params: mailboxParams,
  body: t.readonly(t.intersection([t.type({ email: text(3, 320) }), t.partial({ name })])),
  response: Contact,
  errors: [403, 404],
});

export const renameContact = defineRoute({
  id: 'renameContact',
  method: 'PUT',
  path: '/api/mailboxes/{mailboxId}/contacts/{contactId}',
  tag: 'Contacts',
  summary: 'Names a contact; the name stays whatever later mail says. For editors.',
  params: contactParams,
  body: t.readonly(t.type({ name })),
  response: Contact,
  errors: [403, 404],
});

export const removeContact = defineRoute({
  id: 'removeContact',
  method: 'DELETE',
  path: '/api/mailboxes/{mailboxId}/contacts/{contactId}',
  tag: 'Contacts',
  summary: 'Takes a contact off the list, until somebody saves it again. For editors.',
  params: contactParams,
  errors: [403, 404],
});

export const contactRoutes: readonly Route[] = [listContacts, getContact, saveContact, renameContact, removeContact];
