import type { MailboxKind, MailboxRole } from '@tidings/contracts/events/mailbox';
import type { UserId } from '@tidings/contracts/ids';
import type { Sealed } from '@tidings/contracts/sealed';
import type { MailboxEvent } from './events.ts';

export type State =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'open';
      readonly mailboxKind: MailboxKind;
      readonly address: Sealed<string>;
      readonly members: ReadonlyMap<UserId, MailboxRole>;
    };

export const initial: State = { kind: 'none' };

export const evolve = (state: State, event: MailboxEvent): State => {
  switch (event.type) {
    case 'MailboxOpened':
      return { kind: 'open', mailboxKind: event.data.kind, address: event.data.address, members: new Map() };
    case 'MailboxMemberSet':
      return state.kind === 'open' ? { ...state, members: new Map(state.members).set(event.data.userId, event.data.role) } : state;
    case 'MailboxMemberRemoved': {
      if (state.kind !== 'open') return state;
      const members = new Map(state.members);
      members.delete(event.data.userId);
      return { ...state, members };
    }
    default:
      return state;
  }
};

/** The user's role in the mailbox, null when they have none. */
export const roleOf = (state: State, user: UserId): MailboxRole | null =>
  state.kind === 'open' ? (state.members.get(user) ?? null) : null;

export const isLastAdmin = (state: State, user: UserId): boolean =>
  roleOf(state, user) === 'admin' && state.kind === 'open' && [...state.members.values()].filter((role) => role === 'admin').length === 1;
