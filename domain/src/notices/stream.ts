import type { UserId } from '@tidings/contracts/ids';

export const category = 'notices';
export const noticesKey = (user: UserId): string => user;
