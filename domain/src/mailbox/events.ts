import { eventOf } from '@tidings/contracts/events/definition';
import { MailboxMemberRemoved, MailboxMemberSet, MailboxOpened } from '@tidings/contracts/events/mailbox';

export type MailboxEvent = MailboxOpened | MailboxMemberSet | MailboxMemberRemoved;
export const mailboxOpened = eventOf(MailboxOpened);
export const mailboxMemberSet = eventOf(MailboxMemberSet);
export const mailboxMemberRemoved = eventOf(MailboxMemberRemoved);
