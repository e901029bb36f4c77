/** What chat tells whom (chat-contract §1.3, §6). Each function changes the facts by its event, then says what the feed gets. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { MessageSent } from '@tidings/contracts/events/message';
import type { RoomRead } from '@tidings/contracts/events/read-receipt';
import type { FriendshipAccepted, FriendshipRequested, UserBlocked, UserUnblocked } from '@tidings/contracts/events/relationship';
import type { RoomClosed, RoomCreated, RoomJoined, RoomLeft } from '@tidings/contracts/events/room';
import type { UserProfileChanged, UserRegistered } from '@tidings/contracts/events/user';
import type { Message } from '@tidings/contracts/http/chat-objects';
import type { UserId } from '@tidings/contracts/ids';
import { reveal } from '@tidings/contracts/sealed';
import {
  chatRoomView,
  isEntry,
  messageEntry,
  messageView,
  previewOf,
  roomChangeEntry,
  shownName,
  userView,
  type Entry,
} from '../chat-view/index.ts';
import { pairOf, type Facts, type RoomFact } from './facts.ts';
import { added, blockedBy, removed, roomAudience, tell, userAudience, type Row } from './rows.ts';

const NOTHING: readonly Row[] = [];

export const userSeen = (event: Recorded<UserRegistered | UserProfileChanged>, facts: Facts): readonly Row[] => {
  const { userId, displayName, role } = event.data;
  facts.people.set(userId, {
    ...facts.person(userId),
    displayName: shownName(displayName),
    role,
    ...(event.type === 'UserProfileChanged'
      ? { description: reveal(event.data.description, null), profilePicture: reveal(event.data.profilePicture, null) }
      : {}),
  });
  return NOTHING;
};

export const friendshipRequested = (event: Recorded<FriendshipRequested>, facts: Facts): readonly Row[] => [
  tell(userAudience(event.data.to), {
    type: 'FriendRequestReceived',
    createdAt: event.recordedAt,
    fromUser: userView(facts.person(event.data.by)),
  }),
];

export const friendshipAccepted = (event: Recorded<FriendshipAccepted>, facts: Facts): readonly Row[] => {
  setFriends(event.data.by, event.data.to, true, facts);
  return [
    tell(userAudience(event.data.to), {
      type: 'FriendRequestAccepted',
      createdAt: event.recordedAt,
      fromUser: userView(facts.person(event.data.by)),
    }),
  ];
};

/** Nobody is told of an end; only the count of friends that others are shown changes. */
export const friendshipOver = (by: UserId, to: UserId, facts: Facts): readonly Row[] => {
  setFriends(by, to, false, facts);
  return NOTHING;
};

/** Nobody is told; what the blocker is told of the blocked is less from here on (hidden.ts). */
export const userBlocked = (event: Recorded<UserBlocked>, facts: Facts): readonly Row[] => {
  const { by, to } = event.data;
  setFriends(by, to, false, facts);
  return facts.join(blockedBy(by), to, event) ? [added(blockedBy(by), to)] : NOTHING;
};

export const userUnblocked = (event: Recorded<UserUnblocked>, facts: Facts): readonly Row[] => {
  const { by, to } = event.data;
  return facts.leave(blockedBy(by), to, event) === undefined ? NOTHING : [removed(blockedBy(by), to)];
};

const setFriends = (a: UserId, b: UserId, friends: boolean, facts: Facts): void => {
  const pair = pairOf(a, b);
  if ((facts.friendships.get(pair) ?? false) === friends) return;
  facts.friendships.set(pair, friends);
  for (const user of [a, b]) {
    const person = facts.person(user);
    facts.people.set(user, { ...person, friendsCount: Math.max(0, person.friendsCount + (friends ? 1 : -1)) });
  }
};

export const roomCreated = (event: Recorded<RoomCreated>, facts: Facts): readonly Row[] => {
  const { roomId, roomType, name, createdBy, members } = event.data;
  const room: RoomFact = {
    id: roomId,
    type: roomType,
    name: reveal(name, null),
    namedBy: createdBy,
    createdBy,
    image: null,
    createdAt: event.recordedAt,
    firstMembers: members,
    lastSeq: 0,
  };
  facts.nameRoom(room, event.position);
  const joined = members.filter((member) => facts.join(roomAudience(roomId), member, event));
  return [
    ...joined.map((member) => newRoom(room, member, event, null, facts)),
    ...joined.map((member) => added(roomAudience(roomId), member)),
  ];
};

/** A group's members hear who came; the one who came hears of the room. In a private room only the one who came back hears of it. */
export const roomJoined = (event: Recorded<RoomJoined>, facts: Facts): readonly Row[] => {
  const { roomId, userId } = event.data;
  const room = facts.rooms.get(roomId);
  if (room === undefined || !facts.join(roomAudience(roomId), userId, event)) return NOTHING;
  const change = roomChange(event, room, facts, event.recordedAt);
  return [
    ...(change === null ? [] : [change.row]),
    newRoom(facts.rooms.get(roomId) ?? room, userId, event, change?.message ?? null, facts),
    added(roomAudience(roomId), userId),
  ];
};

/** The leaver hears that the room is gone for them; those who stay in a group hear who left. */
export const roomLeft = (event: Recorded<RoomLeft>, facts: Facts): readonly Row[] => {
  const { roomId, userId } = event.data;
  const room = facts.rooms.get(roomId);
  const interval = facts.leave(roomAudience(roomId), userId, event);
  if (room === undefined || interval === undefined) return NOTHING;
  const change = roomChange(event, room, facts, interval.joinedAt);
  return [
    removed(roomAudience(roomId), userId),
    tell(userAudience(userId), { type: 'LeaveRoom', createdAt: event.recordedAt, roomId }),
    ...(change === null ? [] : [change.row]),
  ];
};

/** Its last member left just before; whoever were still inside would be let out here. */
export const roomClosed = (event: Recorded<RoomClosed>, facts: Facts): readonly Row[] => {
  const audience = roomAudience(event.data.roomId);
  return facts.members(audience).flatMap((member) => {
    facts.leave(audience, member, event);
    return [
      removed(audience, member),
      tell(userAudience(member), { type: 'LeaveRoom', createdAt: event.recordedAt, roomId: event.data.roomId }),
    ];
  });
};

export const messageSent = (event: Recorded<MessageSent>, facts: Facts): readonly Row[] => {
  const room = facts.rooms.get(event.data.roomId);
  if (room === undefined) return NOTHING;
  return [messageRow(event, nextSeq(room, facts), facts.person(event.data.senderId).displayName)];
};

/** All that a message's row depends on, so that who knows it can tell the message before the table holds it. */
export const messageRow = (event: Recorded<MessageSent>, seq: number, senderName: string): Row =>
  entryRow('ChatMessage', messageEntry(event, seq), event, senderName).row;

export const roomRead = (event: Recorded<RoomRead>): readonly Row[] => {
  const { userId, roomId, upToSeq, upTo } = event.data;
  return [tell(roomAudience(roomId), { type: 'UserReadChat', createdAt: event.recordedAt, userId, roomId, upToSeq, upTo })];
};

const nextSeq = (room: RoomFact, facts: Facts): number => {
  const lastSeq = room.lastSeq + 1;
  facts.rooms.set(room.id, { ...room, lastSeq });
  return lastSeq;
};

/** Null in private rooms, where coming and going is not an entry. */
const roomChange = (event: Recorded<RoomJoined | RoomLeft>, room: RoomFact, facts: Facts, joinedAt: Entry['createdAt']): EntryRow | null =>
  isEntry(event, room.type)
    ? entryRow(
        'RoomChangeEvent',
        roomChangeEntry(event, nextSeq(room, facts), { displayName: facts.person(event.data.userId).displayName, joinedAt }),
        event,
        facts.person(event.data.userId).displayName,
      )
    : null;

interface EntryRow {
  readonly message: Message;
  readonly row: Row;
}

const entryRow = (type: 'ChatMessage' | 'RoomChangeEvent', entry: Entry, event: Recorded, senderName: string): EntryRow => {
  const message = messageView(entry);
  const roomPreviewText = previewOf(message, senderName);
  return { message, row: tell(roomAudience(entry.roomId), { type, createdAt: event.recordedAt, message, roomPreviewText }) };
};

/** The room as `viewer` sees it right now; `latest` is its newest entry as far as a newcomer is shown one. */
const newRoom = (room: RoomFact, viewer: UserId, event: Recorded<RoomCreated | RoomJoined>, latest: Message | null, facts: Facts): Row => {
  const other = room.type === 'Single' ? room.firstMembers.find((member) => member !== viewer) : undefined;
  const view = chatRoomView(
    {
      id: room.id,
      roomType: room.type,
      name: room.name,
      image: room.image,
      createdAt: room.createdAt,
      lastSeq: room.lastSeq,
      latestAt: latest?.createdAt ?? null,
      preview: latest === null ? null : previewOf(latest, facts.person(latest.senderId).displayName),
    },
    {
      joinedAt: event.recordedAt,
      joinedSeq: room.lastSeq,
      readSeq: null,
      mentionCount: 0,
      other: other === undefined ? null : facts.person(other),
    },
  );
  return tell(userAudience(viewer), {
    type: 'NewRoom',
    createdAt: event.recordedAt,
    room: view,
    createdBy: userView(facts.person(room.createdBy)),
    invitedBy: event.type === 'RoomJoined' ? event.data.invitedBy : null,
  });
};
