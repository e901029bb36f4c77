/** What a back end tells a user (chat-contract §6). Back ends and Kafka may say it twice; the user hears it once per id. */
import type { NotificationId, UserId } from '@tidings/contracts/ids';
import type { JsonValue } from '@tidings/contracts/ports/event-log';
import { isShredded } from '@tidings/contracts/sealed';
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import { sameValue } from '../same-value.ts';
import { type NotificationEvent, notificationSent } from './events.ts';
import type { State } from './state.ts';

export interface Command {
  readonly type: 'SendNotification';
  readonly notificationId: NotificationId;
  readonly toUser: UserId;
  readonly message: JsonValue;
}

export type Rejection = { readonly type: 'NotificationIdReused'; readonly notificationId: NotificationId };

export const decide = (command: Command, state: State): Either<Rejection, readonly NotificationEvent[]> => {
  const { notificationId, toUser, message } = command;
  if (state.kind === 'none') return right([notificationSent({ notificationId, toUser, message })]);
  return isShredded(state.message) || sameValue(state.message, message)
    ? right([])
    : left({ type: 'NotificationIdReused', notificationId });
};
