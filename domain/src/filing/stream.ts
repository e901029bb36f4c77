import type { EmailId, MailboxId } from '@tidings/contracts/ids';

export const category = 'filing';
/** A mailbox's filings share its shard: the part before the dot decides. */
export const filingKey = (mailbox: MailboxId, email: EmailId): string => `${mailbox}.${email}`;
