import { derivedId, type EmailId, type MailboxId } from '@tidings/contracts/ids';

export const category = 'answered';

/** What a mailbox answered by itself to one sender. The part before the dot decides the shard. */
export const answeredToKey = (mailbox: MailboxId, sender: string): string => `${mailbox}.${derivedId('answered-to', sender)}`;
/** Whether it told that one mail was read. */
export const receiptKey = (mailbox: MailboxId, email: EmailId): string => `${mailbox}.${derivedId('receipt-for', email)}`;
