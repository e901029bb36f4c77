import type { UserId } from '@tidings/contracts/ids';

export const category = 'user';
export const userKey = (user: UserId): string => user;
