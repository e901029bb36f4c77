import type { MailboxId } from '@tidings/contracts/ids';

export const category = 'labels';
export const labelsKey = (mailbox: MailboxId): string => mailbox;
