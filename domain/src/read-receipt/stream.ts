import type { RoomId, UserId } from '@tidings/contracts/ids';

export const category = 'read';
export const readReceiptKey = (room: RoomId, user: UserId): string => `${room}.${user}`;
