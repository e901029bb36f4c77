import { eventOf } from '@tidings/contracts/events/definition';
import { MailboxClosed, MailboxMemberRemoved, MailboxMemberSet, MailboxOpened, MailboxRenamed } from '@tidings/contracts/events/mailbox';

export type MailboxEvent = MailboxOpened | MailboxRenamed | MailboxMemberSet | MailboxMemberRemoved | MailboxClosed;
export const mailboxOpened = eventOf(MailboxOpened);
export const mailboxRenamed = eventOf(MailboxRenamed);
export const mailboxMemberSet = eventOf(MailboxMemberSet);
export const mailboxMemberRemoved = eventOf(MailboxMemberRemoved);
export const mailboxClosed = eventOf(MailboxClosed);
