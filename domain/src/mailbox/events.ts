import { eventOf } from '@tidings/contracts/events/definition';
import {
  MailboxClosed,
  MailboxMemberRemoved,
  MailboxMemberSet,
  MailboxOpened,
  MailboxQuotaSet,
  MailboxRenamed,
  SenderBlocked,
  SenderUnblocked,
} from '@tidings/contracts/events/mailbox';

export type MailboxEvent =
  | MailboxOpened
  | MailboxRenamed
  | MailboxMemberSet
  | MailboxMemberRemoved
  | SenderBlocked
  | SenderUnblocked
  | MailboxQuotaSet
  | MailboxClosed;
export const mailboxOpened = eventOf(MailboxOpened);
export const mailboxRenamed = eventOf(MailboxRenamed);
export const mailboxMemberSet = eventOf(MailboxMemberSet);
export const mailboxMemberRemoved = eventOf(MailboxMemberRemoved);
export const senderBlocked = eventOf(SenderBlocked);
export const senderUnblocked = eventOf(SenderUnblocked);
export const mailboxQuotaSet = eventOf(MailboxQuotaSet);
export const mailboxClosed = eventOf(MailboxClosed);
