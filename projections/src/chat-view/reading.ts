/**
 * Rooms and people as a caller sees them: each is put together from several read models by two or three queries, whatever the number of
 * rooms. No read model looks into another's tables.
 */
import type { ChatRoom, Message, Preview, RoomMember } from '@tidings/contracts/http/chat-objects';
import type { RoomId, UserId } from '@tidings/contracts/ids';
import type { LiveSchema } from '@tidings/contracts/projection';
import type { CommonQueryMethods } from 'slonik';
import { othersBy } from '../relationships/queries.ts';
import { marksIn, marksOf, type ReadMark } from '../read-states/queries.ts';
import { membersOf, type JoinedRoom, type MemberOf } from '../rooms/queries.ts';
import { mentionCounts, reactionsWithout } from '../timeline/queries.ts';
import { facesById } from '../users/queries.ts';
import { messageView, type Entry } from './entries.ts';
import { withoutBlocked } from './hidden.ts';
import { ERASED_NAME, roomMemberView, type UserFacts } from './people.ts';
import { chatRoomView, previewView, previewWithoutBlocked, readUpTo } from './rooms.ts';

/** Where to read: `platform.read` and `platform.liveSchema`. */
export interface ReadModels {
  readonly read: Pick<CommonQueryMethods, 'any' | 'maybeOne'>;
  readonly liveSchema: LiveSchema;
}

/** What these functions read, by projection name; for `settle` and `reads`. */
export const ROOM_READS = ['rooms', 'users', 'read-states', 'timeline', 'relationships'] as const;

export type Face = Pick<UserFacts, 'displayName' | 'profilePicture'>;
export type FaceOf = (user: UserId) => Face;

const NO_FACE: Face = { displayName: ERASED_NAME, profilePicture: null };

export const facesOf = async ({ read, liveSchema }: ReadModels, users: Iterable<UserId>): Promise<FaceOf> => {
  const ids = [...new Set(users)];
  const found = ids.length === 0 ? [] : await read.any(facesById(liveSchema('users'), ids));
  const faces = new Map(found.map(({ id, ...face }) => [id, face]));
  return (user) => faces.get(user) ?? NO_FACE;
};

export const namesOf = async (models: ReadModels, users: Iterable<UserId>): Promise<(user: UserId) => string> => {
  const faceOf = await facesOf(models, users);
  return (user) => faceOf(user).displayName;
};

/** Those whom `viewer` blocks: nothing that they write in a group is shown to them. Reads `relationships`. */
export const blockedBy = async ({ read, liveSchema }: ReadModels, viewer: UserId): Promise<ReadonlySet<UserId>> =>
  new Set((await read.any(othersBy(liveSchema('relationships'), viewer, 'CLIENT_BLOCKED'))).map(({ otherId }) => otherId));

/** Entries as someone sees them who blocks these: nothing of what they write, and nothing of what they react with. The order stays. */
export const readMessages = async (
  { read, liveSchema }: ReadModels,
  entries: readonly Entry[],
  blocked: ReadonlySet<UserId>,
): Promise<readonly Message[]> => {
  if (blocked.size === 0) return entries.map(messageView);
  const reacted = entries.filter(({ reactions }) => reactions !== null).map(({ messageId }) => messageId);
  const found = reacted.length === 0 ? [] : await read.any(reactionsWithout(liveSchema('timeline'), reacted, [...blocked]));
  const reactionsOf = new Map(found.map(({ messageId, reactions }) => [messageId, reactions]));
  return entries.map((entry) => {
    const reactions = reactionsOf.get(entry.messageId);
    return withoutBlocked(messageView(reactions === undefined ? entry : { ...entry, reactions }), blocked);
  });
};

/** `joined` comes from `roomsOf` or `roomOf` for the same viewer; the order stays. */
export const readRooms = async (models: ReadModels, viewer: UserId, joined: readonly JoinedRoom[]): Promise<readonly ChatRoom[]> => {
  if (joined.length === 0) return [];
  const shown = joined.flatMap((room) => [
    ...(room.otherId === null ? [] : [room.otherId]),
    ...(room.preview === null ? [] : [room.preview.senderId]),
  ]);
  const ids = joined.map((room) => room.id);
  const [faceOf, blocked, marks] = await Promise.all([
    facesOf(models, shown),
    blockedBy(models, viewer),
    models.read.any(marksOf(models.liveSchema('read-states'), viewer, ids)),
  ]);
  const readSeq = new Map(marks.map((mark) => [mark.roomId, mark.seq]));
  const seen = joined.map((room) => ({ ...room, readSeq: readSeq.get(room.id) ?? null }));
  const mentions = await mentionsOf(models, viewer, seen, blocked);
  return seen.map((room) =>
    chatRoomView(
      { ...room, preview: previewFor(room, blocked, faceOf) },
      {
        joinedAt: room.joinedAt,
        joinedSeq: room.joinedSeq,
        readSeq: room.readSeq,
        mentionCount: mentions.get(room.id) ?? 0,
        other: room.otherId === null ? null : faceOf(room.otherId),
      },
    ),
  );
};

const previewFor = ({ roomType, preview }: JoinedRoom, blocked: ReadonlySet<UserId>, faceOf: FaceOf): Preview | null => {
  if (preview === null) return null;
  const parts = roomType === 'Group' ? previewWithoutBlocked(preview, blocked) : preview;
  return previewView(parts, faceOf(parts.senderId).displayName);
};

type Seen = Pick<JoinedRoom, 'id' | 'lastSeq' | 'joinedSeq'> & { readonly readSeq: number | null };

/** Of rooms with something new only: most of a list has nothing. What blocked people write names nobody. */
const mentionsOf = async (
  { read, liveSchema }: ReadModels,
  viewer: UserId,
  rooms: readonly Seen[],
  blocked: ReadonlySet<UserId>,
): Promise<ReadonlyMap<RoomId, number>> => {
  const asked = rooms.map((room) => ({ roomId: room.id, lastSeq: room.lastSeq, behind: readUpTo(room) }));
  const unread = asked.filter(({ lastSeq, behind }) => lastSeq > behind);
  if (unread.length === 0) return new Map();
  const found = await read.any(mentionCounts(liveSchema('timeline'), viewer, unread, [...blocked]));
  return new Map(found.map(({ roomId, count }) => [roomId, count]));
};

/** A member as one viewer may see them, with how far they have come in the room. */
export interface SeenMember {
  readonly view: RoomMember;
  /** They see the entries behind this one. */
  readonly visibleAfter: number;
  readonly mark: ReadMark | null;
  /** Has read up to the room's last entry, or there is none. */
  readonly upToDate: boolean;
}

/** Everyone who is or was in a room, in the order they joined. Empty for rooms that are not there. */
export const readMembers = async (models: ReadModels, viewer: UserId, room: RoomId): Promise<readonly SeenMember[]> => {
  const [members, marks] = await Promise.all([
    models.read.any(membersOf(models.liveSchema('rooms'), room)),
    models.read.any(marksIn(models.liveSchema('read-states'), room)),
  ]);
  const faceOf = await facesOf(
    models,
    members.map((member) => member.userId),
  );
  const markOf = new Map(marks.map((mark) => [mark.userId, mark]));
  return members.map((member) => {
    const mark = markOf.get(member.userId);
    return {
      view: memberView(member, viewer, mark, faceOf(member.userId)),
      visibleAfter: member.visibleAfter,
      mark: mark ?? null,
      upToDate: (mark?.seq ?? 0) >= member.lastSeq,
    };
  });
};

/** In a private room nobody is told whether the other one left or came back (chat-contract §6): they just stay. */
const memberView = (member: MemberOf, viewer: UserId, mark: ReadMark | undefined, face: Face): RoomMember => {
  const isOther = member.roomType === 'Single' && member.userId !== viewer;
  return roomMemberView(
    {
      id: member.userId,
      ...face,
      joinedAt: isOther ? member.roomCreatedAt : member.joinedAt,
      lastMessageReadAt: mark?.readAt ?? null,
      membershipStatus: isOther || member.leftAt === null ? 'Joined' : 'Left',
    },
    member.role,
  );
};
