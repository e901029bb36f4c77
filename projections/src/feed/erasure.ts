/**
 * What goes from the feed as someone is erased, so that its rows are those of a replay that could not read any of it: what they wrote and others
 * quoted, their name and profile, what they called rooms, and what they were told in person. Rare enough to look through all that is kept.
 */
import type { User } from '@tidings/contracts/http/chat-objects';
import type { LiveEvent } from '@tidings/contracts/http/live';
import type { RoomId, UserId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import type { ProjectionTx } from '@tidings/contracts/projection';
import { ERASED_NAME, NO_BODY, withoutErased } from '../chat-view/index.ts';
import { userAudience } from './rows.ts';

interface StoredRow {
  readonly position: Position;
  readonly index: number;
  readonly audience: string;
  readonly payload: string;
}

export const eraseFrom = async (tx: ProjectionTx, user: UserId): Promise<void> => {
  await tx.query(`update ${tx.schema}.person set name = $2, description = null, picture = null where user_id = $1`, [user, ERASED_NAME]);
  await tx.query(`update ${tx.schema}.room set name = null where named_by = $1`, [user]);
  const traces = await tracesOf(tx, user);
  const found = await tx.query<StoredRow>(
    // A room's id is the first thing that NewRoom says.
    `select position, index, audience, payload from ${tx.schema}.entry
     where payload like '%' || $1::uuid || '%' or audience = $2
       or (type = 'NewRoom' and substr(payload, position('"room":{"id":"' in payload) + 14, 36) = any($3::text[]))
       or (type = 'RoomUpdated' and audience = any($4::text[]))`,
    [user, userAudience(user), [...traces.pairs, ...traces.namings.keys()], [...traces.namings.keys()].map((room) => `room:${room}`)],
  );
  const rewritten = found.flatMap((row) => {
    if (!row.payload.startsWith('{')) return []; // a membership row
    const payload = JSON.stringify(without(JSON.parse(row.payload) as LiveEvent, row, user, traces)); // as `tell` wrote it
    return payload === row.payload ? [] : [{ ...row, payload }];
  });
  if (rewritten.length === 0) return;
  await tx.query(
    `update ${tx.schema}.entry e set payload = page.payload
     from unnest($1::text[], $2::int[], $3::text[]) page (position, index, payload) where e.position = page.position and e.index = page.index`,
    [rewritten.map((row) => row.position), rewritten.map((row) => row.index), rewritten.map((row) => row.payload)],
  );
};

interface Naming {
  readonly position: Position;
  readonly by: UserId;
}

/** Where the name of the erased, or one they gave, may show without their id beside it. */
interface Traces {
  /** Private rooms with them, called by their name. */
  readonly pairs: ReadonlySet<RoomId>;
  /** Of rooms that they named at some time: who did, in order. */
  readonly namings: ReadonlyMap<RoomId, readonly Naming[]>;
}

const tracesOf = async (tx: ProjectionTx, user: UserId): Promise<Traces> => {
  const pairs = await tx.query<{ room_id: RoomId }>(
    `select room_id from ${tx.schema}.room where type = 'Single' and $1::uuid = any(first_members)`,
    [user],
  );
  const namings = await tx.query<Naming & { room_id: RoomId }>(
    `select room_id, position, by from ${tx.schema}.naming
     where room_id in (select room_id from ${tx.schema}.naming where by = $1::uuid) order by room_id, position`,
    [user],
  );
  return { pairs: new Set(pairs.map((row) => row.room_id)), namings: Map.groupBy(namings, (row) => row.room_id) };
};

const without = (event: LiveEvent, { audience, position }: StoredRow, user: UserId, traces: Traces): LiveEvent => {
  const namedByThem = (room: RoomId): boolean => traces.namings.get(room)?.findLast((one) => one.position <= position)?.by === user;
  switch (event.type) {
    case 'ChatMessage':
    case 'RoomChangeEvent':
      return withoutMessage(event, user);
    case 'MessageEdited':
      return { ...event, msgBody: event.senderId === user ? NO_BODY : withoutErased(event.msgBody, user) };
    case 'FriendRequestReceived':
    case 'FriendRequestAccepted':
      return { ...event, fromUser: withoutProfile(event.fromUser, user) };
    case 'NewRoom': {
      const { room } = event;
      const own = audience === userAudience(user);
      const isTheirs = room.roomType === 'Single' ? traces.pairs.has(room.id) && !own : namedByThem(room.id);
      const preview = room.latestMessagePreviewText;
      return {
        ...event,
        room: {
          ...room,
          roomName: isTheirs ? (room.roomType === 'Single' ? ERASED_NAME : null) : room.roomName,
          roomImageUrl: isTheirs && room.roomType === 'Single' ? null : room.roomImageUrl,
          // A newcomer's preview tells of their own coming.
          latestMessagePreviewText: own && preview.type !== 'New' ? { ...preview, sender_username: ERASED_NAME } : preview,
        },
        createdBy: withoutProfile(event.createdBy, user),
      };
    }
    case 'RoomUpdated':
      return namedByThem(event.roomId) ? { ...event, roomName: null } : event;
    case 'SystemMessage':
      return audience === userAudience(user) ? { ...event, message: null } : event;
    case 'LeaveRoom':
    case 'MemberRoleChanged':
    case 'UserReadChat':
    case 'UserDeliveredChat':
    case 'MessageDeleted':
    case 'ReactionChanged':
    case 'MessagePinned':
    case 'MessageUnpinned':
    case 'MessageMailChanged':
    case 'DraftChanged':
    case 'DeliveryChanged':
    case 'EmailReceived':
    case 'ThreadChanged':
    case 'CommentPosted':
    case 'MailboxChanged':
    case 'ImportProgress':
    case 'Resync':
      return event; // nothing of theirs but ids
  }
};

const withoutProfile = (shown: User, erased: UserId): User =>
  shown.id === erased ? { ...shown, displayName: ERASED_NAME, profilePicture: null, description: null } : shown;

type Told = Extract<LiveEvent, { readonly type: 'ChatMessage' | 'RoomChangeEvent' }>;

const withoutMessage = (event: Told, user: UserId): Told => {
  const { message, roomPreviewText } = event;
  const msgBody = withoutErased(message.msgBody, user);
  if (message.senderId !== user) return { ...event, message: { ...message, msgBody } };
  if (message.msgType === 'RoomChange') {
    const preview = roomPreviewText.type === 'New' ? roomPreviewText : { ...roomPreviewText, sender_username: ERASED_NAME };
    return { ...event, message: { ...message, msgBody }, roomPreviewText: preview };
  }
  const { mentions: _mentions, editedAt: _editedAt, ...rest } = message;
  return {
    ...event,
    message: { ...rest, msgBody: NO_BODY, msgType: 'Text', erased: true },
    roomPreviewText: { type: 'Text', sender_username: ERASED_NAME, text: '' },
  };
};
