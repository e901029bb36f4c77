/** A mailbox and who may do what in it (mail-contract §1). Its address is reserved by `address-…` first. */
import type { MailboxKind, MailboxRole } from '@tidings/contracts/events/mailbox';
import { MOST_BLOCKED_SENDERS } from '@tidings/contracts/http/storage';
import type { MailboxId, UserId } from '@tidings/contracts/ids';
import { isShredded } from '@tidings/contracts/sealed';
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import {
  mailboxClosed,
  type MailboxEvent,
  mailboxMemberRemoved,
  mailboxMemberSet,
  mailboxOpened,
  mailboxQuotaSet,
  mailboxRenamed,
  senderBlocked,
  senderUnblocked,
} from './events.ts';
import { isLastAdmin, roleOf, type State } from './state.ts';

export type Command =
  | {
      readonly type: 'OpenMailbox';
      readonly mailboxId: MailboxId;
      readonly kind: MailboxKind;
      readonly address: string;
      readonly name: string;
      /** Its first members, in the same append: a mailbox is never seen without its owner. */
      readonly members: readonly { readonly userId: UserId; readonly role: MailboxRole }[];
    }
  | { readonly type: 'RenameMailbox'; readonly mailboxId: MailboxId; readonly name: string }
  | { readonly type: 'SetMailboxMember'; readonly mailboxId: MailboxId; readonly userId: UserId; readonly role: MailboxRole }
  | { readonly type: 'RemoveMailboxMember'; readonly mailboxId: MailboxId; readonly userId: UserId }
  /** Who was erased goes, the last admin too: a domain admin still may name another. */
  | { readonly type: 'RemoveErasedMember'; readonly mailboxId: MailboxId; readonly userId: UserId }
  | { readonly type: 'BlockSender'; readonly mailboxId: MailboxId; readonly sender: string; readonly by: UserId }
  | { readonly type: 'UnblockSender'; readonly mailboxId: MailboxId; readonly sender: string; readonly by: UserId }
  | { readonly type: 'SetMailboxQuota'; readonly mailboxId: MailboxId; readonly bytes: number | null; readonly by: UserId }
  /** Its addresses are to be given up first: who closes it may not know them afterwards. */
  | { readonly type: 'CloseMailbox'; readonly mailboxId: MailboxId; readonly by: UserId };

export type Rejection =
  | { readonly type: 'NoSuchMailbox'; readonly mailboxId: MailboxId }
  | { readonly type: 'MailboxExists'; readonly mailboxId: MailboxId }
  /** Each of them is compared with every sender. */
  | { readonly type: 'TooManyBlockedSenders'; readonly max: number }
  /** Someone must be left who can manage the mailbox. */
  | { readonly type: 'LastAdmin'; readonly userId: UserId };

export const decide = (command: Command, state: State): Either<Rejection, readonly MailboxEvent[]> => {
  const { mailboxId } = command;
  switch (command.type) {
    case 'OpenMailbox': {
      const { kind, address, name, members } = command;
      if (state.kind === 'open') {
        const same = state.mailboxKind === kind && (isShredded(state.address) || state.address === address);
        return same ? right([]) : left({ type: 'MailboxExists', mailboxId });
      }
      if (state.kind === 'closed') return left({ type: 'MailboxExists', mailboxId });
      return right([
        mailboxOpened({ mailboxId, kind, address, name }),
        ...members.map(({ userId, role }) => mailboxMemberSet({ mailboxId, userId, role })),
      ]);
    }
    case 'RenameMailbox': {
      const { name } = command;
      if (state.kind !== 'open') return left({ type: 'NoSuchMailbox', mailboxId });
      return right(state.name === name ? [] : [mailboxRenamed({ mailboxId, name })]);
    }
    case 'SetMailboxMember': {
      const { userId, role } = command;
      if (state.kind !== 'open') return left({ type: 'NoSuchMailbox', mailboxId });
      if (roleOf(state, userId) === role) return right([]);
      return isLastAdmin(state, userId) ? left({ type: 'LastAdmin', userId }) : right([mailboxMemberSet({ mailboxId, userId, role })]);
    }
    case 'RemoveMailboxMember': {
      const { userId } = command;
      if (state.kind !== 'open') return left({ type: 'NoSuchMailbox', mailboxId });
      if (roleOf(state, userId) === null) return right([]);
      return isLastAdmin(state, userId) ? left({ type: 'LastAdmin', userId }) : right([mailboxMemberRemoved({ mailboxId, userId })]);
    }
    case 'RemoveErasedMember': {
      const { userId } = command;
      return right(roleOf(state, userId) === null ? [] : [mailboxMemberRemoved({ mailboxId, userId })]);
    }
    case 'BlockSender': {
      const { sender, by } = command;
      if (state.kind !== 'open') return left({ type: 'NoSuchMailbox', mailboxId });
      if (state.blocked.has(sender)) return right([]);
      if (state.blocked.size >= MOST_BLOCKED_SENDERS) return left({ type: 'TooManyBlockedSenders', max: MOST_BLOCKED_SENDERS });
      return right([senderBlocked({ mailboxId, sender, by })]);
    }
    case 'UnblockSender': {
      const { sender, by } = command;
      return right(state.kind === 'open' && state.blocked.has(sender) ? [senderUnblocked({ mailboxId, sender, by })] : []);
    }
    case 'SetMailboxQuota': {
      const { bytes, by } = command;
      if (state.kind !== 'open') return left({ type: 'NoSuchMailbox', mailboxId });
      return right(state.quotaBytes === bytes ? [] : [mailboxQuotaSet({ mailboxId, bytes, by })]);
    }
    case 'CloseMailbox':
      if (state.kind === 'none') return left({ type: 'NoSuchMailbox', mailboxId });
      return right(state.kind === 'closed' ? [] : [mailboxClosed({ mailboxId, by: command.by })]);
  }
};
