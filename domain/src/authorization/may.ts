/**
 * Who may do what: the one answer for every door (HTTP, SSE, SMTP, CLI; architecture §9). It knows no ids and no stores: the caller
 * brings the links between actor and resource, as it found them. No link, no right.
 */
import type { RoomType } from '@tidings/contracts/events/room';
import type { MailboxRole } from '@tidings/contracts/events/mailbox';

export interface Actor {
  /** Holds the role `OIDC_ADMIN_ROLE`: manages domains and mailboxes, but reads nobody's mail for it. */
  readonly isAdmin: boolean;
}

/** What a thread is to a mailbox: its own threads are `editor`, threads shared with it may be `viewer`. */
export type ThreadAccess = 'viewer' | 'editor';

/** One way from the actor to a thread: their role in a mailbox, and that mailbox's access to the thread. */
export interface ThreadLink {
  readonly role: MailboxRole | null;
  readonly access: ThreadAccess | null;
}

/** On a mailbox, and on each thread in it. */
export type MailAction = keyof typeof mailActions;
/** On the service as a whole. */
export type DomainAction = 'open-mailbox' | 'manage-domain';
export type RoomAction = 'read' | 'send' | 'mark-read' | 'invite' | 'leave';

export interface DomainResource {
  readonly kind: 'domain';
}
export interface MailboxResource {
  readonly kind: 'mailbox';
  readonly role: MailboxRole | null;
}
export interface ThreadResource {
  readonly kind: 'thread';
  /** A shared thread can be reached through several mailboxes; the best way counts. */
  readonly links: readonly ThreadLink[];
}
export interface RoomResource {
  readonly kind: 'room';
  readonly roomType: RoomType;
  readonly isMember: boolean;
  /** A block stands between the two of a private room. */
  readonly isBlocked: boolean;
}

/** The least role for each action (mail-contract §1: viewer < editor < sender < admin). */
const mailActions = {
  read: 'viewer',
  'mark-read': 'viewer',
  flag: 'editor',
  label: 'editor',
  draft: 'editor',
  comment: 'editor',
  assign: 'editor',
  share: 'editor',
  send: 'sender',
  'manage-members': 'admin',
  'manage-labels': 'admin',
  'manage-templates': 'admin',
  import: 'admin',
} as const satisfies Readonly<Record<string, MailboxRole>>;

const rank: Readonly<Record<MailboxRole, number>> = { viewer: 1, editor: 2, sender: 3, admin: 4 };

export function may(actor: Actor, action: DomainAction, resource: DomainResource): boolean;
export function may(actor: Actor, action: MailAction, resource: MailboxResource | ThreadResource): boolean;
export function may(actor: Actor, action: RoomAction, resource: RoomResource): boolean;
export function may(
  actor: Actor,
  action: DomainAction | MailAction | RoomAction,
  resource: DomainResource | MailboxResource | ThreadResource | RoomResource,
): boolean {
  // The overloads tie actions to kinds, which the compiler does not follow in here: hence the two casts.
  switch (resource.kind) {
    case 'domain':
      return actor.isAdmin;
    case 'mailbox':
      return (actor.isAdmin && action === 'manage-members') || reaches(resource.role, action as MailAction);
    case 'thread':
      return resource.links.some((link) => reaches(lesser(link), action as MailAction));
    case 'room':
      return resource.isMember && !(resource.isBlocked && action === 'send') && !(action === 'invite' && resource.roomType === 'Single');
  }
}

const reaches = (role: MailboxRole | null, action: MailAction): boolean => role !== null && rank[role] >= rank[mailActions[action]];

/** The lesser of the two links (mail-contract §1). `editor` is the most a mailbox can be to a thread, so it takes nothing away. */
const lesser = ({ role, access }: ThreadLink): MailboxRole | null => {
  if (role === null || access === null) return null;
  return access === 'viewer' ? 'viewer' : role;
};
