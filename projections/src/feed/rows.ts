/** Rows of the feed, not yet placed: who is told what, and who comes into or leaves an audience. */
import type { LiveEvent } from '@tidings/contracts/http/live';
import type { MailboxId, MessageId, RoomId, UserId } from '@tidings/contracts/ids';

/**
 * Whom an entry is for: one user, or the members of a room or mailbox at its position. Those whom a user blocks are kept like members too, but
 * nothing is ever told to them as such.
 */
export type Audience = `user:${string}` | `room:${string}` | `mailbox:${string}` | `${typeof BLOCKED_BY}${string}`;

export const BLOCKED_BY = 'blocked-by:';

export const userAudience = (id: UserId): Audience => `user:${id}`;
export const roomAudience = (id: RoomId): Audience => `room:${id}`;
export const mailboxAudience = (id: MailboxId): Audience => `mailbox:${id}`;
/** Those whom `id` blocks. */
export const blockedBy = (id: UserId): Audience => `${BLOCKED_BY}${id}`;
/** Who blocks the members of an audience; null for those that things are told to. */
export const blockerOf = (audience: string): UserId | null =>
  audience.startsWith(BLOCKED_BY) ? (audience.slice(BLOCKED_BY.length) as UserId) : null; // as `blockedBy` made it

/** Rows that only a hub reads; they are never sent. */
export const MEMBER_ADDED = 'MemberAdded';
export const MEMBER_REMOVED = 'MemberRemoved';

export interface Row {
  readonly audience: Audience;
  readonly type: LiveEvent['type'] | typeof MEMBER_ADDED | typeof MEMBER_REMOVED;
  /** The event's JSON, rendered here once for all who get it; a user id in membership rows. */
  readonly payload: string;
  /** Of which message it gives the wording; null when of none. */
  readonly messageId: MessageId | null;
}

export const tell = (audience: Audience, event: LiveEvent): Row => ({
  ...{ audience, type: event.type, payload: JSON.stringify(event), messageId: wordedIn(event) },
});
export const added = (audience: Audience, user: UserId): Row => membership(audience, MEMBER_ADDED, user);
export const removed = (audience: Audience, user: UserId): Row => membership(audience, MEMBER_REMOVED, user);

const membership = (audience: Audience, type: typeof MEMBER_ADDED | typeof MEMBER_REMOVED, user: UserId): Row => ({
  ...{ audience, type, payload: user, messageId: null },
});

const wordedIn = (event: LiveEvent): MessageId | null => {
  if (event.type === 'ChatMessage') return event.message.messageId;
  return event.type === 'MessageEdited' ? event.messageId : null;
};
