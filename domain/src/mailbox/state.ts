import type { MailboxKind, MailboxRole } from '@tidings/contracts/events/mailbox';
import type { UserId } from '@tidings/contracts/ids';
import { isShredded, type Sealed } from '@tidings/contracts/sealed';
import type { MailboxEvent } from './events.ts';

export type State =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'open';
      readonly mailboxKind: MailboxKind;
      readonly address: Sealed<string>;
      readonly name: Sealed<string>;
      readonly members: ReadonlyMap<UserId, MailboxRole>;
      /** Whose personal mailbox it is: its first member. Null for a shared one. */
      readonly owner: UserId | null;
      /** Addresses and domains, in normal form. */
      readonly blocked: ReadonlySet<string>;
      /** Null: what is configured for all. */
      readonly quotaBytes: number | null;
    }
  /** For good. */
  | { readonly kind: 'closed' };

export const initial: State = { kind: 'none' };

export const evolve = (state: State, event: MailboxEvent): State => {
  if (state.kind === 'closed') return state;
  switch (event.type) {
    case 'MailboxOpened':
      return {
        kind: 'open',
        mailboxKind: event.data.kind,
        address: event.data.address,
        name: event.data.name,
        members: new Map(),
        owner: null,
        blocked: new Set(),
        quotaBytes: null,
      };
    case 'MailboxRenamed':
      return state.kind === 'open' ? { ...state, name: event.data.name } : state;
    case 'MailboxMemberSet':
      return state.kind === 'open' ? withMember(state, event.data.userId, event.data.role) : state;
    case 'MailboxMemberRemoved': {
      if (state.kind !== 'open') return state;
      const members = new Map(state.members);
      members.delete(event.data.userId);
      return { ...state, members };
    }
    case 'SenderBlocked':
    case 'SenderUnblocked': {
      const { sender } = event.data;
      if (state.kind !== 'open' || isShredded(sender)) return state;
      const blocked = new Set(state.blocked);
      if (event.type === 'SenderBlocked') blocked.add(sender);
      else blocked.delete(sender);
      return { ...state, blocked };
    }
    case 'MailboxQuotaSet':
      return state.kind === 'open' ? { ...state, quotaBytes: event.data.bytes } : state;
    case 'MailboxClosed':
      return { kind: 'closed' };
    default:
      return state;
  }
};

const withMember = (state: Extract<State, { readonly kind: 'open' }>, userId: UserId, role: MailboxRole): State => ({
  ...state,
  members: new Map(state.members).set(userId, role),
  owner: state.owner ?? (state.mailboxKind === 'personal' ? userId : null),
});

/** The user's role in the mailbox, null when they have none. */
export const roleOf = (state: State, user: UserId): MailboxRole | null =>
  state.kind === 'open' ? (state.members.get(user) ?? null) : null;

export const isLastAdmin = (state: State, user: UserId): boolean =>
  roleOf(state, user) === 'admin' && state.kind === 'open' && [...state.members.values()].filter((role) => role === 'admin').length === 1;
