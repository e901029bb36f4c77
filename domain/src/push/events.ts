import { eventOf } from '@tidings/contracts/events/definition';
import { PushSubscribed, PushUnsubscribed } from '@tidings/contracts/events/push';

export type { PushEvent } from '@tidings/contracts/events/push';
export const pushSubscribed = eventOf(PushSubscribed);
export const pushUnsubscribed = eventOf(PushUnsubscribed);
