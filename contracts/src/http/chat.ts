/** Chat endpoints (chat-contract §1.3-§1.5): ISM's paths and shapes; what we add is optional in every request. */
import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import { nullable, oneOf, text } from '../codec.ts';
import { MessageText } from '../events/message.ts';
import { RoomType } from '../events/room.ts';
import { MessageId, RoomId, UserId } from '../ids.ts';
import { described } from '../json-schema.ts';
import { Timestamp } from '../time.ts';
import { ChatRoom, Message, pageOf, RelationshipState, RoomDetailed, RoomMember, User, UserWithRelationship } from './chat-objects.ts';
import { intParam, pageSizeParam } from './query.ts';
import { defineRoute, type Route } from './route.ts';

export const TIMELINE_PAGE = 25;
export const USER_SEARCH_PAGE = 20;
export const LARGEST_PAGE = 100;
/** Everyone in it stands in one `RoomCreated` event. */
export const LARGEST_GROUP = 1000;

/** Stands for `Idempotency-Key` where a client keeps its own message ids. */
const clientMessageId = { clientMessageId: nullable(t.string) };

const TextRequest = t.readonly(t.type({ text: MessageText }));
const inText = text(1, 250);
const isLocation = (u: unknown): u is string => inText.is(u) && !/^[\s\p{Cc}]*(?:javascript|vbscript|data)\s*:/iu.test(u);
/** Every client is handed what one of them wrote, and many put it into a link: nothing that a browser would run. */
const MediaUrl: t.Type<string> = described(
  new t.Type<string>(
    'MediaUrl',
    isLocation,
    (u, c) =>
      isLocation(u)
        ? t.success(u)
        : t.failure(u, c, inText.is(u) ? 'must not be a javascript:, vbscript: or data: URL' : 'must be a string of 1-250 characters'),
    t.identity,
  ),
  { type: 'string', minLength: 1, maxLength: 250 },
);
const MediaRequest = t.readonly(
  t.intersection([
    t.type({ mediaUrl: MediaUrl, mediaType: text(1, 80) }),
    t.partial({ mimeType: nullable(text(1, 255)), altText: nullable(text(1, 1000)) }),
  ]),
);
const ReplyRequest = t.readonly(
  t.intersection([
    t.type({ replyMsgId: MessageId, replyText: MessageText }),
    /** ISM once looked the answered message up by it; the id is enough. */
    t.partial({ replyCreatedAt: Timestamp }),
  ]),
);
type MsgBodyRequest = t.TypeOf<typeof TextRequest> | t.TypeOf<typeof MediaRequest> | t.TypeOf<typeof ReplyRequest>;

/** Recognised by its fields (text, then media, then reply), so that a fault is reported for the variant that was meant. */
export const MsgBodyRequest = new t.UnionType(
  'MsgBodyRequest',
  (u): u is MsgBodyRequest => TextRequest.is(u) || MediaRequest.is(u) || ReplyRequest.is(u),
  (u, c) => {
    if (has(u, 'text')) return as(TextRequest, u, c);
    if (has(u, 'mediaUrl')) return as(MediaRequest, u, c);
    if (has(u, 'replyMsgId')) return as(ReplyRequest, u, c);
    return t.failure(u, c, 'must have text, or mediaUrl and mediaType, or replyMsgId and replyText');
  },
  (body) => body,
  [TextRequest, MediaRequest, ReplyRequest],
);
/** As `MsgBodyRequest`, for messages that answer none. */
export const PlainMsgBody = new t.UnionType(
  'PlainMsgBody',
  (u): u is t.TypeOf<typeof TextRequest> | t.TypeOf<typeof MediaRequest> => TextRequest.is(u) || MediaRequest.is(u),
  (u, c) => {
    if (has(u, 'text')) return as(TextRequest, u, c);
    return has(u, 'mediaUrl') ? as(MediaRequest, u, c) : t.failure(u, c, 'must have text, or mediaUrl and mediaType');
  },
  (body) => body,
  [TextRequest, MediaRequest],
);
/** Validates by one member of a union, and says so in the context: then faults name the fields as the caller wrote them. */
const as = <A>(codec: t.Type<A, unknown>, u: unknown, context: t.Context): t.Validation<A> =>
  codec.validate(u, [...context.slice(0, -1), ...context.slice(-1).map((entry) => ({ ...entry, type: codec }))]);
const has = (u: unknown, key: string): boolean => typeof u === 'object' && u !== null && key in u;

const users = (min: number, max: number): t.Type<readonly UserId[], readonly string[]> =>
  described(
    new t.Type<readonly UserId[], readonly string[]>(
      `a list of ${min}-${max} user ids`,
      (u): u is readonly UserId[] => t.readonlyArray(UserId).is(u),
      (u, c) => {
        const decoded = t.readonlyArray(UserId).validate(u, c);
        if (E.isLeft(decoded)) return decoded;
        return decoded.right.length >= min && decoded.right.length <= max ? decoded : t.failure(u, c, `must name ${min}-${max} users`);
      },
      (ids) => ids,
    ),
    (inner) => ({ type: 'array', items: inner(UserId), minItems: min, maxItems: max }),
  );

/** Members whom a message names. */
export const Mentions = users(0, 50);

/** Those whom a room begins with. */
export const Members = users(1, LARGEST_GROUP);

export const SendMessage = t.readonly(
  t.intersection([
    t.type({ chatRoomId: RoomId, msgBody: MsgBodyRequest }),
    /** `msgType` must agree with the body. With `threadId` it is a reply in the thread of that message. */
    t.partial({ msgType: oneOf('Text', 'Media', 'Reply'), mentions: Mentions, threadId: nullable(MessageId), ...clientMessageId }),
  ]),
);

export const CreateRoom = t.readonly(
  t.intersection([
    t.type({ roomType: RoomType, invitedUsers: Members }),
    t.partial({ roomName: nullable(text(1, 100)), firstMessage: nullable(PlainMsgBody), ...clientMessageId }),
  ]),
);

/** `POST …/mark-read` comes without a body from ISM's clients. */
const markReadBody = t.readonly(t.partial({ upTo: MessageId }));
export const MarkRead = new t.UnionType(
  'MarkRead',
  (u): u is t.TypeOf<typeof markReadBody> | undefined => u === undefined || markReadBody.is(u),
  (u, c) => (u === undefined || u === null ? t.success(undefined) : as(markReadBody, u, c)),
  (body) => body,
  [markReadBody, t.undefined],
);

const roomParams = t.readonly(t.type({ roomId: RoomId }));
const userParams = t.readonly(t.type({ userId: UserId }));
/** ISM answers a bare array; who asks for pages gets pages, of at most `LARGEST_PAGE`. */
const paging = { cursor: t.string, limit: pageSizeParam(LARGEST_PAGE) };
const arrayOrPage = <C extends t.Mixed>(item: C) => t.union([t.readonlyArray(item), pageOf(item)]);

export const sendMessage = defineRoute({
  id: 'sendMessage',
  method: 'POST',
  path: '/api/send-msg',
  tag: 'Messages',
  summary: 'Sends a text, media or reply message to a room and answers with the message as everyone sees it.',
  body: SendMessage,
  response: Message,
  errors: [403, 404, 422],
});

export const createRoom = defineRoute({
  id: 'createRoom',
  method: 'POST',
  path: '/api/rooms/create-room',
  tag: 'Rooms',
  summary:
    'Creates a private room of two or a group; everyone invited is joined at once. People in a block relation with you are left out. With `firstMessage` you write into it at once.',
  body: CreateRoom,
  response: ChatRoom,
  errors: [404, 422],
});

export const listRooms = defineRoute({
  id: 'listRooms',
  method: 'GET',
  path: '/api/rooms',
  tag: 'Rooms',
  summary:
    'Your rooms, the one with the latest message first, also only those whose `name` has a part. With `cursor` or `limit` a page of them.',
  query: t.partial({ name: text(0, 100), ...paging }),
  response: arrayOrPage(ChatRoom),
});

export const searchRoom = defineRoute({
  id: 'searchRoom',
  method: 'GET',
  path: '/api/rooms/search',
  tag: 'Rooms',
  summary: 'The id of your private room with someone, or null.',
  query: t.type({ withUser: UserId }),
  response: nullable(RoomId),
});

export const getRoom = defineRoute({
  id: 'getRoom',
  method: 'GET',
  path: '/api/rooms/{roomId}',
  tag: 'Rooms',
  summary: 'One of your rooms as it stands in the list.',
  params: roomParams,
  response: ChatRoom,
  errors: [404],
});

export const getRoomDetailed = defineRoute({
  id: 'getRoomDetailed',
  method: 'GET',
  path: '/api/rooms/{roomId}/detailed',
  tag: 'Rooms',
  summary: 'One of your rooms with its people, also those who left.',
  params: roomParams,
  response: RoomDetailed,
  errors: [404],
});

export const listRoomUsers = defineRoute({
  id: 'listRoomUsers',
  method: 'GET',
  path: '/api/rooms/{roomId}/users',
  tag: 'Rooms',
  summary: 'Who is in a room.',
  params: roomParams,
  response: t.readonlyArray(RoomMember),
  errors: [403],
});

export const leaveRoom = defineRoute({
  id: 'leaveRoom',
  method: 'POST',
  path: '/api/rooms/{roomId}/leave',
  tag: 'Rooms',
  summary: 'Ends your membership. A private room stays with the other person; a group closes when its last member leaves.',
  params: roomParams,
  errors: [403],
});

export const inviteToRoom = defineRoute({
  id: 'inviteToRoom',
  method: 'POST',
  path: '/api/rooms/{roomId}/invite/{userId}',
  tag: 'Rooms',
  summary: 'Adds someone to a group; they are joined at once.',
  params: t.readonly(t.type({ roomId: RoomId, userId: UserId })),
  errors: [403, 404],
});

export const getTimeline = defineRoute({
  id: 'getTimeline',
  method: 'GET',
  path: '/api/rooms/{roomId}/timeline',
  tag: 'Messages',
  summary:
    'Messages of a room, newest first: those before a `timestamp` (entries of the same instant are never torn apart, so a page may be a little longer), those `before` or `after` a message, or the newest.',
  params: roomParams,
  query: t.partial({ timestamp: Timestamp, before: MessageId, after: MessageId, limit: intParam(1, LARGEST_PAGE) }),
  response: t.readonlyArray(Message),
  errors: [403, 404],
});

export const markRead = defineRoute({
  id: 'markRead',
  method: 'POST',
  path: '/api/rooms/{roomId}/mark-read',
  tag: 'Messages',
  summary: 'You have read the room, all of it or up to a message. The mark never moves back.',
  params: roomParams,
  body: MarkRead,
  errors: [403, 404],
});

export const getReadStates = defineRoute({
  id: 'getReadStates',
  method: 'GET',
  path: '/api/rooms/{roomId}/read-states',
  tag: 'Messages',
  summary: 'The members who have read up to the latest message.',
  params: roomParams,
  response: t.readonlyArray(RoomMember),
  errors: [403],
});

export const searchUsers = defineRoute({
  id: 'searchUsers',
  method: 'GET',
  path: '/api/users/search',
  tag: 'People',
  summary: 'Others whose name contains the given text, by name; 20 to a page.',
  query: t.partial({ username: text(0, 100), cursor: t.string }),
  response: pageOf(UserWithRelationship),
});

export const listFriends = defineRoute({
  id: 'listFriends',
  method: 'GET',
  path: '/api/users/friends',
  tag: 'People',
  summary: 'Your friends by name. With `cursor` or `limit` a page of them.',
  query: t.partial({ username: text(0, 100), ...paging }),
  response: arrayOrPage(User),
});

export const listFriendRequests = defineRoute({
  id: 'listFriendRequests',
  method: 'GET',
  path: '/api/users/friends/requests',
  tag: 'People',
  summary: 'Those who asked to be your friends, by name. With `cursor` or `limit` a page of them.',
  query: t.partial({ username: text(0, 100), ...paging }),
  response: arrayOrPage(User),
});

export const getUser = defineRoute({
  id: 'getUser',
  method: 'GET',
  path: '/api/users/{userId}',
  tag: 'People',
  summary: 'Someone else, and how you stand to them.',
  params: userParams,
  response: UserWithRelationship,
  errors: [404],
});

export const requestFriendship = defineRoute({
  id: 'requestFriendship',
  method: 'POST',
  path: '/api/users/friends/add/{userId}',
  tag: 'People',
  summary: 'Asks someone to be friends. If they had asked you, you are friends now.',
  params: userParams,
  errors: [404],
});

export const acceptFriendship = defineRoute({
  id: 'acceptFriendship',
  method: 'POST',
  path: '/api/users/friends/accept-request/{userId}',
  tag: 'People',
  summary: 'Accepts the request of someone who asked you.',
  params: userParams,
  errors: [404],
});

export const rejectFriendship = defineRoute({
  id: 'rejectFriendship',
  method: 'DELETE',
  path: '/api/users/friends/reject-request/{userId}',
  tag: 'People',
  summary: 'Turns down the request of someone who asked you.',
  params: userParams,
  errors: [404],
});

export const endFriendship = defineRoute({
  id: 'endFriendship',
  method: 'DELETE',
  path: '/api/users/friends/{userId}',
  tag: 'People',
  summary: 'Ends a friendship.',
  params: userParams,
  errors: [404],
});

export const blockUser = defineRoute({
  id: 'blockUser',
  method: 'POST',
  path: '/api/users/ignore/{userId}',
  tag: 'People',
  summary: 'Blocks someone: ends friendship or request, and your part in the private room with them.',
  params: userParams,
  response: RelationshipState,
  errors: [404],
});

export const unblockUser = defineRoute({
  id: 'unblockUser',
  method: 'DELETE',
  path: '/api/users/ignore/{userId}',
  tag: 'People',
  summary: 'Lifts your block of someone.',
  params: userParams,
  response: RelationshipState,
  errors: [403, 404],
});

export const chatRoutes: readonly Route[] = [
  sendMessage,
  createRoom,
  listRooms,
  searchRoom,
  getRoom,
  getRoomDetailed,
  listRoomUsers,
  leaveRoom,
  inviteToRoom,
  getTimeline,
  markRead,
  getReadStates,
  searchUsers,
  listFriends,
  listFriendRequests,
  getUser,
  requestFriendship,
  acceptFriendship,
  rejectFriendship,
  endFriendship,
  blockUser,
  unblockUser,
];
