import type { ReportOutcome } from '@tidings/contracts/events/report';
import type { MessageId, RoomId, UserId } from '@tidings/contracts/ids';
import type { ReportEvent } from './events.ts';

/** Which message was reported. */
export interface Reported {
  readonly roomId: RoomId;
  readonly messageId: MessageId;
  readonly senderId: UserId;
}

export type State =
  | { readonly kind: 'none' }
  | { readonly kind: 'open'; readonly about: Reported }
  | { readonly kind: 'resolved'; readonly about: Reported; readonly outcome: ReportOutcome };

export const initial: State = { kind: 'none' };

export const evolve = (state: State, event: ReportEvent): State => {
  switch (event.type) {
    case 'MessageReported': {
      const { roomId, messageId, senderId } = event.data;
      return state.kind === 'none' ? { kind: 'open', about: { roomId, messageId, senderId } } : state;
    }
    case 'ReportResolved':
      return state.kind === 'none' ? state : { kind: 'resolved', about: state.about, outcome: event.data.outcome };
    default:
      return state;
  }
};
