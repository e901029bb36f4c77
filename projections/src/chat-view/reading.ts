/**
 * Rooms and people as a caller sees them: each is put together from several read models by two or three queries, whatever the number of
 * rooms. No read model looks into another's tables.
 */
import type { ChatRoom, RoomMember } from '@tidings/contracts/http/chat-objects';
import type { RoomId, UserId } from '@tidings/contracts/ids';
import type { LiveSchema } from '@tidings/contracts/projection';
import type { CommonQueryMethods } from 'slonik';
import { othersBy } from '../relationships/queries.ts';
import { marksIn, marksOf, type ReadMark } from '../read-states/queries.ts';
import { membersOf, type JoinedRoom, type MemberOf } from '../rooms/queries.ts';
import { namesById } from '../users/queries.ts';
import { ERASED_NAME, roomMemberView } from './people.ts';
import { chatRoomView, previewView } from './rooms.ts';

/** Where to read: `platform.read` and `platform.liveSchema`. */
export interface ReadModels {
  readonly read: Pick<CommonQueryMethods, 'any' | 'maybeOne'>;
  readonly liveSchema: LiveSchema;
}

/** What these functions read, by projection name; for `settle` and `reads`. */
export const ROOM_READS = ['rooms', 'users', 'read-states'] as const;

export const namesOf = async ({ read, liveSchema }: ReadModels, users: Iterable<UserId>): Promise<(user: UserId) => string> => {
  const ids = [...new Set(users)];
  const found = ids.length === 0 ? [] : await read.any(namesById(liveSchema('users'), ids));
  const names = new Map(found.map((person) => [person.id, person.displayName]));
  return (user) => names.get(user) ?? ERASED_NAME;
};

/** Those whom `viewer` blocks: nothing that they write in a group is shown to them. Reads `relationships`. */
export const blockedBy = async ({ read, liveSchema }: ReadModels, viewer: UserId): Promise<ReadonlySet<UserId>> =>
  new Set((await read.any(othersBy(liveSchema('relationships'), viewer, 'CLIENT_BLOCKED'))).map(({ otherId }) => otherId));

/** `joined` comes from `roomsOf` or `roomOf` for the same viewer; the order stays. */
export const readRooms = async (models: ReadModels, viewer: UserId, joined: readonly JoinedRoom[]): Promise<readonly ChatRoom[]> => {
  if (joined.length === 0) return [];
  const shown = joined.flatMap((room) => [
    ...(room.otherId === null ? [] : [room.otherId]),
    ...(room.preview === null ? [] : [room.preview.senderId]),
  ]);
  const ids = joined.map((room) => room.id);
  const [nameOf, marks] = await Promise.all([
    namesOf(models, shown),
    models.read.any(marksOf(models.liveSchema('read-states'), viewer, ids)),
  ]);
  const readSeq = new Map(marks.map((mark) => [mark.roomId, mark.seq]));
  return joined.map((room) =>
    chatRoomView(
      { ...room, preview: room.preview === null ? null : previewView(room.preview, nameOf(room.preview.senderId)) },
      {
        joinedAt: room.joinedAt,
        joinedSeq: room.joinedSeq,
        readSeq: readSeq.get(room.id) ?? null,
        otherName: room.otherId === null ? null : nameOf(room.otherId),
      },
    ),
  );
};

/** A member as one viewer may see them, with how far they have read. */
export interface SeenMember {
  readonly view: RoomMember;
  /** Has read up to the room's last entry, or there is none. */
  readonly upToDate: boolean;
}

/** Everyone who is or was in a room, in the order they joined. Empty for rooms that are not there. */
export const readMembers = async (models: ReadModels, viewer: UserId, room: RoomId): Promise<readonly SeenMember[]> => {
  const [members, marks] = await Promise.all([
    models.read.any(membersOf(models.liveSchema('rooms'), room)),
    models.read.any(marksIn(models.liveSchema('read-states'), room)),
  ]);
  const nameOf = await namesOf(
    models,
    members.map((member) => member.userId),
  );
  const markOf = new Map(marks.map((mark) => [mark.userId, mark]));
  return members.map((member) => {
    const mark = markOf.get(member.userId);
    return { view: memberView(member, viewer, mark, nameOf(member.userId)), upToDate: (mark?.seq ?? 0) >= member.lastSeq };
  });
};

/** In a private room nobody is told whether the other one left or came back (chat-contract §6): they just stay. */
const memberView = (member: MemberOf, viewer: UserId, mark: ReadMark | undefined, displayName: string): RoomMember => {
  const isOther = member.roomType === 'Single' && member.userId !== viewer;
  return roomMemberView({
    id: member.userId,
    displayName,
    joinedAt: isOther ? member.roomCreatedAt : member.joinedAt,
    lastMessageReadAt: mark?.readAt ?? null,
    membershipStatus: isOther || member.leftAt === null ? 'Joined' : 'Left',
  });
};
