import { eventOf } from '@tidings/contracts/events/definition';
import { MailingPlanned, MessageMailed, MessageMailStatusChanged, MessageNotMailed } from '@tidings/contracts/events/mailing';

export type { MailingEvent } from '@tidings/contracts/events/mailing';
export const mailingPlanned = eventOf(MailingPlanned);
export const messageMailed = eventOf(MessageMailed);
export const messageNotMailed = eventOf(MessageNotMailed);
export const messageMailStatusChanged = eventOf(MessageMailStatusChanged);
