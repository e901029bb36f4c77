import type { ContactId, MailboxId } from '@tidings/contracts/ids';

export const category = 'contact';
/** A mailbox's contacts share its shard: the part before the dot decides. */
export const contactKey = (mailbox: MailboxId, contact: ContactId): string => `${mailbox}.${contact}`;
