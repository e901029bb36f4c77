import { AutoreplyDecided, ReceiptAnswered } from '@tidings/contracts/events/answering';
import { eventOf } from '@tidings/contracts/events/definition';

export type AnsweredEvent = AutoreplyDecided | ReceiptAnswered;
export const autoreplyDecided = eventOf(AutoreplyDecided);
export const receiptAnswered = eventOf(ReceiptAnswered);
