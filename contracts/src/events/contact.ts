/** Stream `contact-<mailboxId>.<contactId>`: what people did to a contact of a mailbox. Those that mail brings along are in no stream. */
import * as t from 'io-ts';
import { nullable, text } from '../codec.ts';
import { ContactId, MailboxId, UserId } from '../ids.ts';
import { sealed } from '../sealed.ts';
import { defineEvent, type EventOf } from './definition.ts';

export const ContactSaved = defineEvent({
  type: 'ContactSaved',
  doc: 'A member of a mailbox wrote down a contact, or its name; it wins over what mail says.',
  data: t.readonly(
    t.type({
      mailboxId: MailboxId,
      contactId: ContactId,
      email: sealed(text(3, 320)),
      name: sealed(nullable(text(1, 200))),
      by: UserId,
    }),
  ),
  personal: [{ subject: 'mailboxId', fields: ['email', 'name'] }],
});
export type ContactSaved = EventOf<typeof ContactSaved>;

export const ContactRemoved = defineEvent({
  type: 'ContactRemoved',
  doc: 'A contact is not shown any more, whatever mail brings, until somebody saves it again.',
  data: t.readonly(t.type({ mailboxId: MailboxId, contactId: ContactId, by: UserId })),
});
export type ContactRemoved = EventOf<typeof ContactRemoved>;

export const contactEvents = [ContactSaved, ContactRemoved] as const;
export type ContactEvent = EventOf<(typeof contactEvents)[number]>;
