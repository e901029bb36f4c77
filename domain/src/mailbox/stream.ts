import type { MailboxId } from '@tidings/contracts/ids';

export const category = 'mailbox';
export const mailboxKey = (mailbox: MailboxId): string => mailbox;
