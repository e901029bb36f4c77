import type { NotificationId, UserId } from '@tidings/contracts/ids';

export const category = 'notification';
/** Those of one user share a shard, so they come in the order they were sent. */
export const notificationKey = (toUser: UserId, notification: NotificationId): string => `${toUser}.${notification}`;
