import { eventOf } from '@tidings/contracts/events/definition';
import {
  EmailQueued,
  type OutboundEvent,
  RecipientsAcknowledged,
  RecipientsCancelled,
  RecipientsComplained,
  RecipientsDeferred,
  RecipientsDelivered,
  RecipientsDeliveredInternally,
  RecipientsDismissed,
  RecipientsFailed,
  RecipientsOutcomeUnknown,
  RecipientsReported,
  RecipientsRetried,
  TransmissionBegun,
} from '@tidings/contracts/events/outbound';

export type { OutboundEvent };
export const emailQueued = eventOf(EmailQueued);
export const transmissionBegun = eventOf(TransmissionBegun);
export const recipientsDelivered = eventOf(RecipientsDelivered);
export const recipientsDeliveredInternally = eventOf(RecipientsDeliveredInternally);
export const recipientsDeferred = eventOf(RecipientsDeferred);
export const recipientsFailed = eventOf(RecipientsFailed);
export const recipientsOutcomeUnknown = eventOf(RecipientsOutcomeUnknown);
export const recipientsRetried = eventOf(RecipientsRetried);
export const recipientsCancelled = eventOf(RecipientsCancelled);
export const recipientsDismissed = eventOf(RecipientsDismissed);
export const recipientsReported = eventOf(RecipientsReported);
export const recipientsComplained = eventOf(RecipientsComplained);
export const recipientsAcknowledged = eventOf(RecipientsAcknowledged);
