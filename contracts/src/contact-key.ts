/** Which addresses are the same contact: one rule for those that people save and those that mail brings. */
import { type ContactId, derivedId, type MailboxId } from './ids.ts';

const LONGEST = 320;

/** ASCII letters in lower case, as mailboxes' own addresses are kept; null for what is no address. */
export const contactEmail = (written: string): string | null => {
  const email = written.trim().replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  return email.length <= LONGEST && /^[^\s@\0][^\0]*@[^\s@\0]+$/.test(email) ? email : null;
};

/** One contact for each address in a mailbox. */
export const contactIdOf = (mailbox: MailboxId, email: string): ContactId => derivedId<ContactId>('contact', mailbox, email);
