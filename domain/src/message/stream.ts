import type { MessageId, RoomId } from '@tidings/contracts/ids';

export const category = 'message';
/** A room's messages share its shard: the part before the dot decides. */
export const messageKey = (room: RoomId, message: MessageId): string => `${room}.${message}`;
