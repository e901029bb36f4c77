import { eventOf } from '@tidings/contracts/events/definition';
import { NotificationSent } from '@tidings/contracts/events/notification';

export type { NotificationEvent } from '@tidings/contracts/events/notification';
export const notificationSent = eventOf(NotificationSent);
