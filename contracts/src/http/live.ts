/**
 * The live stream, `GET /api/sse`: what it carries (chat-contract §1.3, mail-contract §3) and how a place in it is named. Every frame is one
 * JSON object with `type` and `createdAt`; clients ignore types and fields they do not know.
 */
import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import { int, nullable, oneOf } from '../codec.ts';
import { MailboxRole } from '../events/mailbox.ts';
import { RoomRole } from '../events/room.ts';
import { Keywords, Place } from '../events/thread.ts';
import { CommentId, DraftId, EmailId, ImportId, LabelId, MailboxId, MessageId, RoomId, ThreadId, UserId } from '../ids.ts';
import { Json } from '../json.ts';
import { importCounts } from '../events/import.ts';
import { ImportState } from './imports.ts';
import { described } from '../json-schema.ts';
import type { Position } from '../ports/event-log.ts';
import { Timestamp } from '../time.ts';
import { ChatRoom, Message, MessageMailStatus, MsgBody, Preview, User } from './chat-objects.ts';
import { defineRoute } from './route.ts';

const liveEvent = <T extends string, P extends t.Props>(type: T, payload: P) =>
  t.readonly(t.type({ type: t.literal(type), createdAt: Timestamp, ...payload }));

/** A message was sent to a room; every member gets it, the sender's other devices too. */
export const ChatMessage = liveEvent('ChatMessage', { message: Message, roomPreviewText: Preview });
/** Someone joined or left a group; for those who were members before and still are. */
export const RoomChangeEvent = liveEvent('RoomChangeEvent', { message: Message, roomPreviewText: Preview });
/**
 * The recipient is in a room now, seen as they see it. `createdBy` made it; `invitedBy` brought the recipient in (themselves, when they opened a
 * private room again) and is null for who is there from its beginning. A first message follows as a `ChatMessage`.
 */
export const NewRoom = liveEvent('NewRoom', { room: ChatRoom, createdBy: User, invitedBy: nullable(UserId) });
/** The recipient is no longer in a room. */
export const LeaveRoom = liveEvent('LeaveRoom', { roomId: RoomId });
/** A member (perhaps the recipient, elsewhere) has read a room up to an entry. */
export const UserReadChat = liveEvent('UserReadChat', { userId: UserId, roomId: RoomId, upToSeq: int(0), upTo: nullable(MessageId) });
/** The author of a message rewrote it. */
export const MessageEdited = liveEvent('MessageEdited', {
  roomId: RoomId,
  messageId: MessageId,
  senderId: UserId,
  msgBody: MsgBody,
  mentions: t.readonlyArray(UserId),
  editedAt: Timestamp,
});
/** A message is gone; an empty text stands in its place. */
export const MessageDeleted = liveEvent('MessageDeleted', { roomId: RoomId, messageId: MessageId, deletedBy: UserId });
/** A member put a reaction on a message (`added`), or took it away. */
export const ReactionChanged = liveEvent('ReactionChanged', {
  roomId: RoomId,
  messageId: MessageId,
  userId: UserId,
  emoji: t.string,
  added: t.boolean,
});
export const MessagePinned = liveEvent('MessagePinned', { roomId: RoomId, messageId: MessageId, by: UserId });
export const MessageUnpinned = liveEvent('MessageUnpinned', { roomId: RoomId, messageId: MessageId, by: UserId });
/** There is other news of how a message reaches a member by mail. That it waits for its time is not told. */
export const MessageMailChanged = liveEvent('MessageMailChanged', {
  roomId: RoomId,
  messageId: MessageId,
  userId: UserId,
  status: MessageMailStatus,
});
/** A group has another name or picture. */
export const RoomUpdated = liveEvent('RoomUpdated', {
  roomId: RoomId,
  roomName: nullable(t.string),
  roomImageUrl: nullable(t.string),
  by: UserId,
});
export const MemberRoleChanged = liveEvent('MemberRoleChanged', { roomId: RoomId, userId: UserId, role: RoomRole, by: UserId });
/** A device of a member has a room up to a message. Who reads is not told of a second time. */
export const UserDeliveredChat = liveEvent('UserDeliveredChat', { userId: UserId, roomId: RoomId, upToSeq: int(0), upTo: MessageId });
export const FriendRequestReceived = liveEvent('FriendRequestReceived', { fromUser: User });
export const FriendRequestAccepted = liveEvent('FriendRequestAccepted', { fromUser: User });

/** A custom notification: what a back end of yours told the recipient (`POST /api/notify`). Null once the recipient's data is erased. */
export const SystemMessage = liveEvent('SystemMessage', { message: Json });

/** A mail reached a mailbox and is in a thread there. The subject is empty once the mailbox's data is erased. */
export const EmailReceived = liveEvent('EmailReceived', {
  mailboxId: MailboxId,
  threadId: ThreadId,
  emailId: EmailId,
  from: t.readonlyArray(t.readonly(t.type({ name: nullable(t.string), email: t.string }))),
  subject: t.string,
  preview: t.string,
  hasAttachments: t.boolean,
});

/** What happened to a thread in a mailbox. */
export const ThreadChange = t.union([
  t.readonly(t.type({ type: t.literal('filed'), emailId: EmailId, place: Place })),
  t.readonly(t.type({ type: t.literal('read'), upTo: nullable(EmailId), by: UserId })),
  t.readonly(t.type({ type: t.literal('moved'), emailIds: t.readonlyArray(EmailId), place: Place, by: UserId })),
  t.readonly(t.type({ type: t.literal('starred'), starred: t.boolean, by: UserId })),
  t.readonly(t.type({ type: t.literal('labelled'), labelId: LabelId, labelled: t.boolean, by: UserId })),
  t.readonly(t.type({ type: t.literal('keywords'), emailId: EmailId, set: Keywords, by: UserId })),
  t.readonly(t.type({ type: t.literal('assigned'), userId: UserId, by: UserId })),
  /** `by` is null when they lost the right to the thread. */
  t.readonly(t.type({ type: t.literal('unassigned'), userId: UserId, by: nullable(UserId) })),
  /** With the mailbox `with`; for all that hold the thread. */
  t.readonly(t.type({ type: t.literal('shared'), with: MailboxId, role: oneOf('viewer', 'editor'), by: UserId })),
  t.readonly(t.type({ type: t.literal('unshared'), with: MailboxId, by: UserId })),
  /** For ever; `by` is null when they had lain in the trash or in spam for their time. */
  t.readonly(t.type({ type: t.literal('destroyed'), emailIds: t.readonlyArray(EmailId), by: nullable(UserId) })),
  /** These emails go on in the thread `into`, which tells `split-off` once it is whole. */
  t.readonly(t.type({ type: t.literal('split'), emailIds: t.readonlyArray(EmailId), into: ThreadId, by: UserId })),
  t.readonly(t.type({ type: t.literal('split-off'), from: ThreadId, by: UserId })),
  t.readonly(t.type({ type: t.literal('comment-edited'), commentId: CommentId, by: UserId })),
  t.readonly(t.type({ type: t.literal('comment-deleted'), commentId: CommentId, by: UserId })),
]);
export type ThreadChange = t.TypeOf<typeof ThreadChange>;
export const ThreadChanged = liveEvent('ThreadChanged', { mailboxId: MailboxId, threadId: ThreadId, change: ThreadChange });

/** Someone commented on a thread; once for each mailbox of the recipient that holds it. What they said is in the thread's timeline. */
export const CommentPosted = liveEvent('CommentPosted', {
  mailboxId: MailboxId,
  threadId: ThreadId,
  commentId: CommentId,
  by: UserId,
  mentions: t.readonlyArray(UserId),
});

/**
 * A draft of a mailbox was saved, thrown away or moved to another mailbox, waits to be sent, was taken back, or is sent. `revision` is there for
 * what was saved.
 */
export const DraftChanged = liveEvent('DraftChanged', {
  mailboxId: MailboxId,
  draftId: DraftId,
  threadId: nullable(ThreadId),
  change: oneOf('saved', 'discarded', 'moved', 'submitted', 'undone', 'sent'),
  revision: nullable(int(1)),
  /** Null where nobody did it: its time came. */
  by: nullable(UserId),
});

/**
 * An email that goes out has other news of some of its recipients (their places in its `deliveries`). `sending` is not told: an outcome follows soon, or
 * is told as unknown.
 */
export const DeliveryChanged = liveEvent('DeliveryChanged', {
  mailboxId: MailboxId,
  threadId: ThreadId,
  emailId: EmailId,
  change: oneOf(
    'queued',
    'delivered',
    'internal',
    'deferred',
    'failed',
    'unknown',
    'retried',
    'cancelled',
    'dismissed',
    'reported',
    'complained',
    'acknowledged',
  ),
  recipients: t.readonlyArray(int(0)),
});

/**
 * A member came, got another role, or went (`role` null); for the members and for the one concerned. Without a member (`userId` null) it is the
 * mailbox itself that has another name, address or limit: read it again.
 */
export const MailboxChanged = liveEvent('MailboxChanged', { mailboxId: MailboxId, userId: nullable(UserId), role: nullable(MailboxRole) });

/** How far an import into a mailbox is; every so often while it runs, and as it ends. */
export const ImportProgress = liveEvent('ImportProgress', {
  mailboxId: MailboxId,
  importId: ImportId,
  state: ImportState,
  ...importCounts,
});

/** Events since the id the client gave can no longer all be told: load afresh by REST, then go on with what follows here. */
export const Resync = liveEvent('Resync', { reason: oneOf('no-longer-kept', 'unknown-id') });

export const LiveEvent = t.union([
  ChatMessage,
  RoomChangeEvent,
  NewRoom,
  LeaveRoom,
  UserReadChat,
  MessageEdited,
  MessageDeleted,
  ReactionChanged,
  MessagePinned,
  MessageUnpinned,
  MessageMailChanged,
  RoomUpdated,
  MemberRoleChanged,
  UserDeliveredChat,
  FriendRequestReceived,
  FriendRequestAccepted,
  SystemMessage,
  EmailReceived,
  ThreadChanged,
  CommentPosted,
  DraftChanged,
  DeliveryChanged,
  MailboxChanged,
  ImportProgress,
  Resync,
]);
export type LiveEvent = t.TypeOf<typeof LiveEvent>;

/** Someone else in a room is typing, or no longer. */
export const Typing = liveEvent('Typing', { roomId: RoomId, userId: UserId, typing: t.boolean });
/** A friend came, or went. */
export const PresenceChanged = liveEvent('PresenceChanged', { userId: UserId, online: t.boolean, lastSeenAt: nullable(Timestamp) });

/** Told as it happens, without an id, and never again: no resume, sync or snapshot has it. */
export const EphemeralEvent = t.union([Typing, PresenceChanged]);
export type EphemeralEvent = t.TypeOf<typeof EphemeralEvent>;

export const StreamEvent = t.union([LiveEvent, EphemeralEvent]);
export type StreamEvent = t.TypeOf<typeof StreamEvent>;

/** The `type` of a codec of `{type: …, …}`, whatever it is wrapped in. */
const typeNameOf = (codec: t.Mixed): string => {
  if (codec instanceof t.ReadonlyType) return typeNameOf(codec.type as t.Mixed);
  if (codec instanceof t.IntersectionType) return typeNameOf((codec.types as readonly [t.Mixed])[0]);
  const { type } = (codec as t.InterfaceType<{ readonly type: t.LiteralC<string> }>).props; // every live event has one
  return type.value;
};
/** Of every live event there is. */
export const liveEventTypes: readonly string[] = LiveEvent.types.map((codec) => typeNameOf(codec));

/** A place in the feed: the log position an event came from and its rank among those of that position. */
export interface LiveCursor {
  readonly position: Position;
  readonly index: number;
}

/** Behind everything that a position gave rise to. */
export const WHOLE_POSITION = 999_999;
export const afterPosition = (position: Position): LiveCursor => ({ position, index: WHOLE_POSITION });

export const compareCursors = (a: LiveCursor, b: LiveCursor): number =>
  a.position === b.position ? a.index - b.index : a.position < b.position ? -1 : 1;

/** `0000000000000042.1`; a bare position stands for everything up to and including it. */
export const formatCursor = (cursor: LiveCursor): string =>
  cursor.index === WHOLE_POSITION ? cursor.position : `${cursor.position}.${cursor.index}`;

/** An id of the stream as clients give it back. Opaque to them. */
export const EventCursor = described(
  new t.Type<LiveCursor, string>(
    'EventCursor',
    (u): u is LiveCursor => typeof u === 'object' && u !== null && 'position' in u && 'index' in u,
    (u, c) => {
      const parts = typeof u === 'string' ? CURSOR.exec(u) : null;
      if (parts?.[1] === undefined) return t.failure(u, c, 'must be an id that this stream gave');
      return t.success({ position: parts[1] as Position, index: parts[2] === undefined ? WHOLE_POSITION : Number(parts[2]) });
    },
    formatCursor,
  ),
  { type: 'string', pattern: '^[0-9A-Za-z]{16,40}(\\.[0-9]{1,5})?$' },
);
const CURSOR = /^([0-9A-Za-z]{16,40})(?:\.(\d{1,5}))?$/;

export const parseCursor = (input: string): LiveCursor | null => E.getOrElseW(() => null)(EventCursor.decode(input));

export const openLiveStream = defineRoute({
  id: 'openLiveStream',
  method: 'GET',
  path: '/api/sse',
  tag: 'Live',
  summary:
    'Everything the caller may see, as it happens (text/event-stream). Each event has an id; `Last-Event-ID` (or `lastEventId`) resumes behind it, each event once and in order. A `ticket` (`POST /api/stream-ticket`) stands for the bearer token where a client cannot send one.',
  query: t.partial({ lastEventId: EventCursor, ticket: t.string }),
  response: StreamEvent,
  produces: 'event-stream',
});

export const liveRoutes = [openLiveStream] as const;
