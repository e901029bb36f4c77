import type { MessageBody } from '@tidings/contracts/events/message';
import type { UserId } from '@tidings/contracts/ids';
import type { Sealed } from '@tidings/contracts/sealed';
import type { MessageEvent } from './events.ts';

export type State = { readonly kind: 'none' } | { readonly kind: 'sent'; readonly senderId: UserId; readonly body: Sealed<MessageBody> };

export const initial: State = { kind: 'none' };

export const evolve = (state: State, event: MessageEvent): State => {
  switch (event.type) {
    case 'MessageSent':
      return { kind: 'sent', senderId: event.data.senderId, body: event.data.body };
    default:
      return state;
  }
};
