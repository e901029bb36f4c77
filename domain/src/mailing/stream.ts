import type { MessageId, RoomId } from '@tidings/contracts/ids';

export const category = 'mailing';
/** In the shard of its room: the part before the dot decides. */
export const mailingKey = (room: RoomId, message: MessageId): string => `${room}.${message}`;
