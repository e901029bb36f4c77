/** What the ranks of a group are for: naming it, removing members, giving ranks (chat-contract §6). A private room has none of it. */
import * as t from 'io-ts';
import { nullable } from '../codec.ts';
import { RoomName, RoomRole } from '../events/room.ts';
import { RoomId, UserId } from '../ids.ts';
import { defineRoute, type Route } from './route.ts';

const memberParams = t.readonly(t.type({ roomId: RoomId, userId: UserId }));

export const renameRoom = defineRoute({
  id: 'renameRoom',
  method: 'PATCH',
  path: '/api/rooms/{roomId}',
  tag: 'Rooms',
  summary: 'Names a group anew, or takes its name away. For its owners and admins.',
  params: t.readonly(t.type({ roomId: RoomId })),
  body: t.readonly(t.type({ roomName: nullable(RoomName) })),
  errors: [403],
});

export const removeMember = defineRoute({
  id: 'removeMember',
  method: 'DELETE',
  path: '/api/rooms/{roomId}/users/{userId}',
  tag: 'Rooms',
  summary: 'Removes someone from a group: an owner anyone else, an admin whoever is neither. They can be invited again.',
  params: memberParams,
  errors: [403, 404],
});

export const setMemberRole = defineRoute({
  id: 'setMemberRole',
  method: 'PUT',
  path: '/api/rooms/{roomId}/users/{userId}/role',
  tag: 'Rooms',
  summary: 'Gives a member of a group a rank, or takes it. For its owners; the last of them stays one.',
  params: memberParams,
  body: t.readonly(t.type({ role: RoomRole })),
  errors: [403, 404, 409],
});

export const groupRoutes: readonly Route[] = [renameRoom, removeMember, setMemberRole];
