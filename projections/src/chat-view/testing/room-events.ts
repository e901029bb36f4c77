/** Three people, two rooms and what happens in them, for tests of read models that show rooms. */
import type { TidingsEvent } from '@tidings/contracts/events/index';
import type { RoomType } from '@tidings/contracts/events/room';
import { derivedId, type RoomId, type UserId } from '@tidings/contracts/ids';

export const ada = derivedId<UserId>('ada');
export const bob = derivedId<UserId>('bob');
export const cyd = derivedId<UserId>('cyd');
export const group = derivedId<RoomId>('group');
export const pair = derivedId<RoomId>('pair');

export const created = (roomId: RoomId, roomType: RoomType, members: readonly UserId[], name: string | null = null): TidingsEvent => ({
  type: 'RoomCreated',
  data: { roomId, roomType, name, createdBy: ada, members },
});
export const joins = (userId: UserId, roomId: RoomId, invitedBy = ada): TidingsEvent => ({
  type: 'RoomJoined',
  data: { roomId, userId, invitedBy },
});
export const leaves = (userId: UserId, roomId: RoomId, roomType: RoomType): TidingsEvent => ({
  type: 'RoomLeft',
  data: { roomId, roomType, userId, by: userId },
});
