/** What to do with one mail in one mailbox: pure, on what the index knows. */
import type { EmailId, MailboxId } from '@tidings/contracts/ids';
import type { FilingOutcome } from '@tidings/domain/filing/index';
import { chooseThread, type ThreadingHeaders } from '@tidings/domain/mail/threading';
import { threadStartedBy } from '@tidings/domain/thread/index';
import type { HeldIndex } from './held-index.ts';

export interface Choice {
  readonly outcome: FilingOutcome;
  /** The mailbox holds another mail with this Message-ID. */
  readonly messageIdReused: boolean;
  /** The email for whose sake it joins a thread. */
  readonly relative: EmailId | null;
}

export const choose = (index: HeldIndex, mailboxId: MailboxId, emailId: EmailId, mail: ThreadingHeaders, contentHash: string): Choice => {
  // An email never is its own twin: after a crash the index may hold it already.
  const twins = index.sameMessageId(mailboxId, mail).filter((held) => held.emailId !== emailId);
  const same = twins.find((held) => held.contentHash === contentHash);
  if (same !== undefined) return { outcome: { type: 'duplicate', of: same.emailId }, messageIdReused: false, relative: null };
  // What the mailbox sent to itself comes in as its own copy: one conversation. Nobody computed a hash of what was filed by others.
  const own = twins.find((held) => held.contentHash === null);
  if (own !== undefined)
    return { outcome: { type: 'thread', threadId: own.threadId, by: 'message-id' }, messageIdReused: false, relative: own.emailId };
  const thread = chooseThread(mail, index.candidates(mailboxId, mail));
  const outcome: FilingOutcome =
    thread.type === 'join'
      ? { type: 'thread', threadId: thread.threadId, by: thread.by }
      : { type: 'thread', threadId: threadStartedBy(mailboxId, emailId), by: 'new' };
  return { outcome, messageIdReused: twins.length > 0, relative: thread.type === 'join' ? thread.relative : null };
};
