import { AutoreplyRemoved, AutoreplySet, ReceiptPolicySet } from '@tidings/contracts/events/answering';
import { eventOf } from '@tidings/contracts/events/definition';

export type AnsweringEvent = AutoreplySet | AutoreplyRemoved | ReceiptPolicySet;
export const autoreplySet = eventOf(AutoreplySet);
export const autoreplyRemoved = eventOf(AutoreplyRemoved);
export const receiptPolicySet = eventOf(ReceiptPolicySet);
