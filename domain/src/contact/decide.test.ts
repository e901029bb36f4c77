import { contactIdOf } from '@tidings/contracts/contact-key';
import { it } from 'vitest';
import type { EmailAddress } from '../mail/address.ts';
import { specify } from '../testing/given.ts';
import { alice, mailboxNo } from '../testing/people.ts';
import { contactRemoved, contactSaved } from './events.ts';
import { contact } from './index.ts';

const given = specify(contact);
const email = 'ann@elsewhere.test' as EmailAddress;
const place = { mailboxId: mailboxNo(1), contactId: contactIdOf(mailboxNo(1), email), by: alice };
const save = (name: string | null) => ({ type: 'SaveContact', ...place, email, name }) as const;
const saved = (name: string | null) => contactSaved({ ...place, email, name });
const removed = contactRemoved(place);

it('a contact is saved under a name, removed, and saved again', () => {
  given().when(save('Ann')).then(saved('Ann'));
  given(saved('Ann')).when(save('Ann')).thenNothing();
  given(saved('Ann')).when(save(null)).then(saved(null));
  given(saved('Ann'))
    .when({ type: 'RemoveContact', ...place })
    .then(removed);
  given(removed)
    .when({ type: 'RemoveContact', ...place })
    .thenNothing();
  given(removed).when(save('Ann')).then(saved('Ann'));
});

it('a contact that only mail has brought can be removed', () => {
  given()
    .when({ type: 'RemoveContact', ...place })
    .then(removed);
});
