import { derivedId, type NotificationId, type UserId } from '@tidings/contracts/ids';

export const category = 'notification';
/** Those of one user share a shard, so they come in the order they were sent. */
export const notificationKey = (toUser: UserId, notification: NotificationId): string => `${toUser}.${notification}`;

/** Of the notification that a back end calls `id`, whichever way it comes. */
export const notificationIdOf = (toUser: UserId, id: string): NotificationId => derivedId<NotificationId>('notification', toUser, id);
