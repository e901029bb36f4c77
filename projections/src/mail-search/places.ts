/** The order of what is found: newest first, and within one instant by ids. */
import type { EmailId, MailboxId, ThreadId } from '@tidings/contracts/ids';
import type { MailPlace } from '@tidings/contracts/ports/mail-search';
import type { Timestamp } from '@tidings/contracts/time';

/** Times and ids sort as text. */
export const isNewer = (a: MailPlace, b: MailPlace): boolean => {
  for (const key of ['at', 'emailId', 'mailboxId'] as const) if (a[key] !== b[key]) return a[key] > b[key];
  return a.threadId > b.threadId;
};

const LEAST = '00000000-0000-0000-0000-000000000000';

/** Behind every email of `at` and later, before every earlier one. */
export const before = (at: Timestamp): MailPlace => ({
  at,
  emailId: LEAST as EmailId, // the least of all UUIDs, which no email has
  mailboxId: LEAST as MailboxId,
  threadId: LEAST as ThreadId,
});
