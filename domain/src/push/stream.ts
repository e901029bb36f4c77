import type { SubscriptionId, UserId } from '@tidings/contracts/ids';

export const category = 'push';
export const pushKey = (user: UserId, subscription: SubscriptionId): string => `${user}.${subscription}`;
