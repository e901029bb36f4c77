import type { MessageId, RoomId, UserId } from '@tidings/contracts/ids';

export const category = 'reaction';
/** A room's reactions share its shard, so readers meet them after the messages they are on. */
export const reactionKey = (room: RoomId, message: MessageId, user: UserId): string => `${room}.${message}.${user}`;
