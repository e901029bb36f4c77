import { ContactRemoved, ContactSaved } from '@tidings/contracts/events/contact';
import { eventOf } from '@tidings/contracts/events/definition';

export type ContactEvent = ContactSaved | ContactRemoved;
export const contactSaved = eventOf(ContactSaved);
export const contactRemoved = eventOf(ContactRemoved);
