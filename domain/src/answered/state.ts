import type { EmailId } from '@tidings/contracts/ids';
import type { Timestamp } from '@tidings/contracts/time';
import type { AnsweredEvent } from './events.ts';

export interface State {
  /** The last mail that was answered automatically. */
  readonly autoreply: { readonly emailId: EmailId; readonly at: Timestamp } | null;
  /** Null: nobody was asked, or has not said. */
  readonly receiptSent: boolean | null;
}

export const initial: State = { autoreply: null, receiptSent: null };

export const evolve = (state: State, event: AnsweredEvent): State => {
  switch (event.type) {
    case 'AutoreplyDecided':
      return { ...state, autoreply: { emailId: event.data.emailId, at: event.data.at } };
    case 'ReceiptAnswered':
      return { ...state, receiptSent: event.data.sent };
    default:
      return state;
  }
};
