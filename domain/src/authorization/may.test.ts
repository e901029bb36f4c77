import type { MailboxRole } from '@tidings/contracts/events/mailbox';
import { describe, expect, it } from 'vitest';
import { type Actor, type MailAction, may, type RoomAction, type ThreadAccess } from './may.ts';

const person: Actor = { isAdmin: false };
const admin: Actor = { isAdmin: true };
const roles: readonly (MailboxRole | null)[] = [null, 'viewer', 'editor', 'sender', 'admin'];

/** Columns: no role, viewer, editor, sender, admin. */
const mailMatrix: Readonly<Record<MailAction, string>> = {
  read: '-++++',
  'mark-read': '-++++',
  flag: '--+++',
  label: '--+++',
  draft: '--+++',
  'edit-contacts': '--+++',
  comment: '--+++',
  assign: '--+++',
  share: '--+++',
  split: '--+++',
  destroy: '--+++',
  send: '---++',
  'manage-members': '----+',
  'manage-mailbox': '----+',
  'manage-labels': '----+',
  'manage-templates': '----+',
  'manage-webhooks': '----+',
  import: '----+',
  export: '----+',
};
const marks = (allowed: readonly boolean[]): string => allowed.map((yes) => (yes ? '+' : '-')).join('');
// The matrix is exhaustive by type; Object.entries forgets its keys.
const mailActions = Object.entries(mailMatrix) as [MailAction, string][];

const inThread = (action: MailAction, access: ThreadAccess | null): string =>
  marks(roles.map((role) => may(person, action, { kind: 'thread', links: [{ role, access }] })));

describe('mail', () => {
  it.each(mailActions)('%s in a mailbox: %s', (action, row) => {
    expect(marks(roles.map((role) => may(person, action, { kind: 'mailbox', role })))).toBe(row);
  });

  it.each(mailActions)('%s in a thread that the mailbox may edit: %s', (action, row) => expect(inThread(action, 'editor')).toBe(row));

  it.each(mailActions)('%s in a thread shared for viewing: only what viewers may', (action, row) =>
    expect(inThread(action, 'viewer')).toBe(row === '-++++' ? '-++++' : '-----'),
  );

  it.each(mailActions)('%s in a thread that the mailbox does not hold: never', (action) => expect(inThread(action, null)).toBe('-----'));

  it('lets nobody send as another', () => {
    const sending = (isItsAddress: boolean) => may(person, 'send', { kind: 'mailbox', role: 'admin', isItsAddress });
    expect([sending(true), sending(false)]).toEqual([true, false]);
  });

  it('counts the best way to a thread, and never mixes two', () => {
    const viewerOfOwn = { role: 'viewer', access: 'editor' } as const;
    const senderOfShared = { role: 'sender', access: 'viewer' } as const;
    const senderOfOwn = { role: 'sender', access: 'editor' } as const;
    expect(may(person, 'send', { kind: 'thread', links: [viewerOfOwn, senderOfOwn] })).toBe(true);
    expect(may(person, 'send', { kind: 'thread', links: [viewerOfOwn, senderOfShared] })).toBe(false);
    expect(may(person, 'read', { kind: 'thread', links: [] })).toBe(false);
  });
});

describe('administrators of the service', () => {
  it('open mailboxes and choose their members', () => {
    expect(may(admin, 'open-mailbox', { kind: 'domain' })).toBe(true);
    expect(may(admin, 'manage-members', { kind: 'mailbox', role: null })).toBe(true);
    expect(may(person, 'open-mailbox', { kind: 'domain' })).toBe(false);
    expect(may(person, 'manage-domain', { kind: 'domain' })).toBe(false);
    expect(may(person, 'manage-webhooks', { kind: 'domain', throughNotifier: true })).toBe(false);
    expect(may(person, 'administer', { kind: 'domain', throughNotifier: true })).toBe(false);
    expect(may(admin, 'administer', { kind: 'domain' })).toBe(true);
    expect(may(person, 'send-notification', { kind: 'domain' })).toBe(false);
    expect(may(person, 'send-notification', { kind: 'domain', throughNotifier: true })).toBe(true);
    expect(may(admin, 'send-notification', { kind: 'domain' })).toBe(true);
  });

  it('read and do nothing else without a role of their own', () => {
    for (const [action] of mailActions.filter(([each]) => each !== 'manage-members' && each !== 'manage-mailbox')) {
      expect(may(admin, action, { kind: 'mailbox', role: null })).toBe(false);
      expect(may(admin, action, { kind: 'thread', links: [{ role: null, access: 'editor' }] })).toBe(false);
    }
  });
});

describe('admins of a mail domain', () => {
  it('open and manage its mailboxes, and read none of them', () => {
    const itsAdmin = { kind: 'domain', isItsAdmin: true } as const;
    expect(may(person, 'open-mailbox', itsAdmin)).toBe(true);
    expect(may(person, 'manage-domain', itsAdmin)).toBe(true);
    for (const action of ['manage-webhooks', 'send-notification', 'administer'] as const) expect(may(person, action, itsAdmin)).toBe(false);
    const allowed = mailActions.filter(([action]) => may(person, action, { kind: 'mailbox', role: null, isItsDomainAdmin: true }));
    expect(allowed.map(([action]) => action)).toEqual(['manage-members', 'manage-mailbox']);
  });
});

describe('rooms', () => {
  const roomTypes = ['Group', 'Single'] as const;
  const roomRoles = [null, 'member', 'admin', 'owner'] as const;
  /** Columns: no member, member, admin, owner of a group; member of a private room, of one with a block. */
  const roomMatrix: Readonly<Record<RoomAction, string>> = {
    read: '-+++ ++',
    send: '-+++ +-',
    react: '-+++ +-',
    pin: '-+++ +-',
    'mark-read': '-+++ ++',
    leave: '-+++ ++',
    invite: '-+++ --',
    'change-image': '-+++ --',
    rename: '--++ --',
    moderate: '--++ --',
    'set-roles': '---+ --',
  };

  it.each(Object.entries(roomMatrix) as [RoomAction, string][])('%s: %s', (action, row) => {
    const group = roomRoles.map((role) => may(person, action, { kind: 'room', roomType: 'Group', role, isBlocked: false }));
    const pair = [false, true].map((isBlocked) => may(person, action, { kind: 'room', roomType: 'Single', role: 'member', isBlocked }));
    expect(`${marks(group)} ${marks(pair)}`).toBe(row);
  });

  it('are closed to strangers, administrators of the service too', () => {
    for (const action of Object.keys(roomMatrix) as RoomAction[]) {
      for (const roomType of roomTypes) {
        expect(may(admin, action, { kind: 'room', roomType, role: null, isBlocked: false })).toBe(false);
      }
    }
  });
});
