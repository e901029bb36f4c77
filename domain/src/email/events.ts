import { eventOf } from '@tidings/contracts/events/definition';
import { EmailReceived } from '@tidings/contracts/events/email';

export type EmailEvent = EmailReceived;
export const emailReceived = eventOf(EmailReceived);
