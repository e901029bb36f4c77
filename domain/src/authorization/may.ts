/**
 * Who may do what: the one answer for every door (HTTP, SSE, SMTP, CLI; architecture §9). It knows no ids and no stores: the caller
 * brings the links between actor and resource, as it found them. No link, no right.
 */
import type { RoomRole, RoomType } from '@tidings/contracts/events/room';
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
/** On the service as a whole. `administer` is all of the service API: users, any room, reports, export and erasure. */
export type DomainAction = 'open-mailbox' | 'manage-domain' | 'manage-webhooks' | 'send-notification' | 'administer';
/** In a room. `moderate` is to delete what others wrote and to remove members (an admin only those without a role). */
export type RoomAction = keyof typeof roomActions;

export interface DomainResource {
  readonly kind: 'domain';
  /** The actor is one of the admins of the mail domain that is meant. */
  readonly isItsAdmin?: boolean;
  /** The actor comes through an application that may send custom notifications (`NOTIFY_CLIENT_IDS`). */
  readonly throughNotifier?: boolean;
}
export interface MailboxResource {
  readonly kind: 'mailbox';
  readonly role: MailboxRole | null;
  /** The actor is one of the admins of the mail domain of its address. */
  readonly isItsDomainAdmin?: boolean;
  /** Of a mail to be sent: whether its sender is the mailbox's address or one of its aliases. Nobody sends as another. */
  readonly isItsAddress?: boolean;
}
export interface ThreadResource {
  readonly kind: 'thread';
  /** A shared thread can be reached through several mailboxes; the best way counts. */
  readonly links: readonly ThreadLink[];
}
export interface RoomResource {
  readonly kind: 'room';
  readonly roomType: RoomType;
  /** Of the actor in it; null for who is not in it. */
  readonly role: RoomRole | null;
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
  'edit-contacts': 'editor',
  comment: 'editor',
  assign: 'editor',
  share: 'editor',
  split: 'editor',
  destroy: 'editor',
  send: 'sender',
  'manage-members': 'admin',
  'manage-mailbox': 'admin',
  'manage-labels': 'admin',
  'manage-templates': 'admin',
  'manage-webhooks': 'admin',
  import: 'admin',
  export: 'admin',
} as const satisfies Readonly<Record<string, MailboxRole>>;

/** What who manages a mail domain may do to its mailboxes without being in them. They read nothing. */
const domainAdminActions: ReadonlySet<string> = new Set<MailAction>(['manage-members', 'manage-mailbox']);

const rank: Readonly<Record<MailboxRole, number>> = { viewer: 1, editor: 2, sender: 3, admin: 4 };

interface RoomRule {
  readonly least: RoomRole;
  /** Private rooms have no name, image or ranks of their own, and take nobody else. */
  readonly groupOnly?: true;
  /** Reaches the other one, so a block between the two of a private room forbids it. */
  readonly reaches?: true;
}

const roomActions = {
  read: { least: 'member' },
  send: { least: 'member', reaches: true },
  react: { least: 'member', reaches: true },
  pin: { least: 'member', reaches: true },
  'mark-read': { least: 'member' },
  leave: { least: 'member' },
  invite: { least: 'member', groupOnly: true },
  'change-image': { least: 'member', groupOnly: true },
  rename: { least: 'admin', groupOnly: true },
  moderate: { least: 'admin', groupOnly: true },
  'set-roles': { least: 'owner', groupOnly: true },
} as const satisfies Readonly<Record<string, RoomRule>>;

const roomRank: Readonly<Record<RoomRole, number>> = { member: 1, admin: 2, owner: 3 };

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
      return (
        actor.isAdmin ||
        (resource.isItsAdmin === true && (action === 'open-mailbox' || action === 'manage-domain')) ||
        (action === 'send-notification' && resource.throughNotifier === true)
      );
    case 'mailbox':
      if (action === 'send' && resource.isItsAddress === false) return false;
      return (
        ((actor.isAdmin || resource.isItsDomainAdmin === true) && domainAdminActions.has(action)) ||
        reaches(resource.role, action as MailAction)
      );
    case 'thread':
      return resource.links.some((link) => reaches(lesser(link), action as MailAction));
    case 'room':
      return reachesInRoom(resource, roomActions[action as RoomAction]);
  }
}

const reachesInRoom = ({ role, roomType, isBlocked }: RoomResource, rule: RoomRule): boolean =>
  role !== null && roomRank[role] >= roomRank[rule.least] && (roomType === 'Group' || !(rule.groupOnly || (isBlocked && rule.reaches)));

const reaches = (role: MailboxRole | null, action: MailAction): boolean => role !== null && rank[role] >= rank[mailActions[action]];

/** The lesser of the two links (mail-contract §1). `editor` is the most a mailbox can be to a thread, so it takes nothing away. */
const lesser = ({ role, access }: ThreadLink): MailboxRole | null => {
  if (role === null || access === null) return null;
  return access === 'viewer' ? 'viewer' : role;
};
