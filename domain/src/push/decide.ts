/** One browser's subscription to Web Push. It comes and goes as its user allows, and browsers renew their keys. */
import type { PushKeys } from '@tidings/contracts/events/push';
import type { SubscriptionId, UserId } from '@tidings/contracts/ids';
import { isShredded } from '@tidings/contracts/sealed';
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import { sameValue } from '../same-value.ts';
import { type PushEvent, pushSubscribed, pushUnsubscribed } from './events.ts';
import type { State } from './state.ts';

export type Command =
  | {
      readonly type: 'SubscribeToPush';
      readonly subscriptionId: SubscriptionId;
      readonly userId: UserId;
      readonly endpoint: string;
      readonly keys: PushKeys;
    }
  | { readonly type: 'UnsubscribeFromPush'; readonly subscriptionId: SubscriptionId; readonly userId: UserId };

/** Their key is destroyed: nothing about them can be kept any more. */
export type Rejection = { readonly type: 'UserErased'; readonly userId: UserId };

export const decide = (command: Command, state: State): Either<Rejection, readonly PushEvent[]> => {
  const { subscriptionId, userId } = command;
  switch (command.type) {
    case 'SubscribeToPush': {
      const { endpoint, keys } = command;
      if (state.kind === 'subscribed') {
        if (isShredded(state.endpoint)) return left({ type: 'UserErased', userId });
        if (state.endpoint === endpoint && sameValue(state.keys, keys)) return right([]);
      }
      return right([pushSubscribed({ subscriptionId, userId, endpoint, keys })]);
    }
    case 'UnsubscribeFromPush':
      return right(state.kind === 'none' ? [] : [pushUnsubscribed({ subscriptionId, userId })]);
  }
};
