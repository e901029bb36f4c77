import type { MessageBody } from '@tidings/contracts/events/message';
import type { MessageId, UserId } from '@tidings/contracts/ids';
import type { Sealed } from '@tidings/contracts/sealed';
import type { MessageEvent } from './events.ts';

/** What its author wrote, first or last. */
export interface Wording {
  readonly body: Sealed<MessageBody>;
  readonly mentions: readonly UserId[];
}

export type State =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'sent';
      readonly senderId: UserId;
      readonly threadId: MessageId | null;
      /** As it was sent: what a retry of sending is compared with, whatever became of the message since. */
      readonly original: Wording;
      readonly current: Wording;
      readonly isDeleted: boolean;
    };

export const initial: State = { kind: 'none' };

export const evolve = (state: State, event: MessageEvent): State => {
  switch (event.type) {
    case 'MessageSent': {
      const { senderId, threadId, body, mentions } = event.data;
      const original = { body, mentions };
      return { kind: 'sent', senderId, threadId, original, current: original, isDeleted: false };
    }
    case 'MessageEdited': {
      const { body, mentions } = event.data;
      return state.kind === 'sent' ? { ...state, current: { body, mentions } } : state;
    }
    case 'MediaShown':
      return state; // the body says it too
    case 'MessageDeleted':
      return state.kind === 'sent' ? { ...state, isDeleted: true } : state;
    default:
      return state;
  }
};
