import { eventOf } from '@tidings/contracts/events/definition';
import { MailMapped } from '@tidings/contracts/events/gateway';

export type MappingEvent = MailMapped;
export const mailMapped = eventOf(MailMapped);
