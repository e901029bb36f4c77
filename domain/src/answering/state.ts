import type { AnswerSchedule, AnswerText, ReceiptPolicy } from '@tidings/contracts/events/answering';
import type { Sealed } from '@tidings/contracts/sealed';
import type { AnsweringEvent } from './events.ts';

export interface Autoreply {
  readonly isActive: boolean;
  readonly schedule: AnswerSchedule;
  readonly content: Sealed<AnswerText>;
}

export interface State {
  readonly autoreply: Autoreply | null;
  readonly receipts: ReceiptPolicy;
}

/** Nobody is told anything that nobody agreed to. */
export const initial: State = { autoreply: null, receipts: 'ask' };

export const evolve = (state: State, event: AnsweringEvent): State => {
  switch (event.type) {
    case 'AutoreplySet': {
      const { isActive, schedule, content } = event.data;
      return { ...state, autoreply: { isActive, schedule, content } };
    }
    case 'AutoreplyRemoved':
      return { ...state, autoreply: null };
    case 'ReceiptPolicySet':
      return { ...state, receipts: event.data.policy };
    default:
      return state;
  }
};
