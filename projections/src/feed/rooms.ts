/** What becomes of rooms beside their messages, told to their members: names, pictures, ranks, and what reached whom. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { RoomDelivered } from '@tidings/contracts/events/read-receipt';
import type { MemberRoleChanged, RoomImageChanged, RoomRenamed } from '@tidings/contracts/events/room';
import { reveal } from '@tidings/contracts/sealed';
import { roomLooks } from '../chat-view/index.ts';
import type { Facts, RoomFact } from './facts.ts';
import { roomAudience, tell, type Row } from './rows.ts';

export const roomRenamed = (event: Recorded<RoomRenamed>, facts: Facts): readonly Row[] => {
  const { roomId, name, by } = event.data;
  const room = facts.rooms.get(roomId);
  if (room === undefined) return [];
  const renamed: RoomFact = { ...room, name: reveal(name, null), namedBy: by };
  facts.nameRoom(renamed, event.position);
  return [roomUpdated(renamed, event)];
};

export const roomImageChanged = (event: Recorded<RoomImageChanged>, facts: Facts): readonly Row[] => {
  const room = facts.rooms.get(event.data.roomId);
  if (room === undefined) return [];
  const changed: RoomFact = { ...room, image: event.data.image?.blobId ?? null };
  facts.rooms.set(room.id, changed);
  return [roomUpdated(changed, event)];
};

/** Groups only have looks of their own. */
const roomUpdated = (room: RoomFact, { data, recordedAt }: Recorded<RoomRenamed | RoomImageChanged>): Row => {
  const { roomName, roomImageUrl } = roomLooks({ ...room, roomType: room.type }, null);
  return tell(roomAudience(room.id), { type: 'RoomUpdated', createdAt: recordedAt, roomId: room.id, roomName, roomImageUrl, by: data.by });
};

/** Says everything itself, so it can be told ahead of the tables. */
export const memberRoleChanged = ({ type, data, recordedAt }: Recorded<MemberRoleChanged>): readonly Row[] => {
  const { roomId, userId, role, by } = data;
  return [tell(roomAudience(roomId), { type, createdAt: recordedAt, roomId, userId, role, by })];
};

/** As `memberRoleChanged`. */
export const roomDelivered = ({ data, recordedAt }: Recorded<RoomDelivered>): readonly Row[] => {
  const { userId, roomId, upToSeq, upTo } = data;
  return [tell(roomAudience(roomId), { type: 'UserDeliveredChat', createdAt: recordedAt, userId, roomId, upToSeq, upTo })];
};
