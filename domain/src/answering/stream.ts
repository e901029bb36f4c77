import type { MailboxId } from '@tidings/contracts/ids';

export const category = 'answering';
export const answeringKey = (mailbox: MailboxId): string => mailbox;
