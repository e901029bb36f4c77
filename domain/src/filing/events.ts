import { eventOf } from '@tidings/contracts/events/definition';
import { FilingDecided } from '@tidings/contracts/events/email';

export type FilingEvent = FilingDecided;
export const filingDecided = eventOf(FilingDecided);
