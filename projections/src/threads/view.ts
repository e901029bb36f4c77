/** A thread as HTTP shows it. */
import type { Thread } from '@tidings/contracts/http/mail-objects';
import type { MailboxId, UserId } from '@tidings/contracts/ids';
import type { ListedThread } from './queries.ts';

/** What stands on a thread, from another read model (`thread-marks`). */
export interface ThreadNotes {
  readonly labels?: readonly string[];
  readonly assignees?: readonly UserId[];
  /** Of mail in it that went out. */
  readonly delivery?: Thread['delivery'];
  /** Somebody writes an answer. */
  readonly hasDraft?: boolean;
  /** The mailboxes that hold it, and what they may do; its own unless said. */
  readonly access?: readonly { readonly mailboxId: MailboxId; readonly role: 'viewer' | 'editor' }[];
}

export const threadView = (
  row: ListedThread,
  {
    labels = [],
    assignees = [],
    delivery = null,
    hasDraft = false,
    access = [{ mailboxId: row.mailboxId, role: 'editor' }],
  }: ThreadNotes = {},
): Thread => {
  const main = row.inInbox + row.inArchive + row.inSent + row.inDrafts;
  const unreadCount = main > 0 ? row.unreadMain : row.unreadSpam + row.unreadTrash;
  return {
    id: row.threadId,
    subject: row.subject,
    snippet: row.snippet,
    participants: row.participants,
    messageCount: main > 0 ? main : row.inSpam + row.inTrash,
    firstMessageAt: row.firstAt,
    lastMessageAt: row.lastAt,
    unread: unreadCount > 0,
    unreadCount,
    starred: row.starred,
    archived: row.inArchive > 0 && row.inInbox === 0,
    spam: main === 0 && row.inSpam > 0,
    trashed: main === 0 && row.inTrash > 0,
    hasAttachments: row.hasAttachments,
    hasDraft: hasDraft || row.inDrafts > 0,
    delivery,
    labels,
    assignees,
    access: access.map(({ mailboxId, role }) => ({ mailboxId, role })),
  };
};
