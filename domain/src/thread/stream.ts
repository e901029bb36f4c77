import { derivedId, type EmailId, type MailboxId, type ThreadId } from '@tidings/contracts/ids';

export const category = 'thread';
export const threadKey = (thread: ThreadId): string => thread;

/** The thread that an email starts in a mailbox: derived, so that filing it again after a crash starts the same one. */
export const threadStartedBy = (mailbox: MailboxId, email: EmailId): ThreadId => derivedId<ThreadId>('thread', mailbox, email);

/** The thread in which an email of `thread` and all behind it go on: derived, so that who splits twice finds what was split. */
export const threadSplitAt = (thread: ThreadId, email: EmailId): ThreadId => derivedId<ThreadId>('split', thread, email);
