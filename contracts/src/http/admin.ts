/**
 * The service API (chat-contract §6): what a back end does for its users with a token of the admin role. It provisions them, reads and writes in
 * any room, works off reports, exports what is known of someone and erases them.
 */
import * as t from 'io-ts';
import { nullable, oneOf, text } from '../codec.ts';
import { ReportOutcome } from '../events/report.ts';
import { RoomName, RoomRole, RoomType } from '../events/room.ts';
import { UserRole } from '../events/user.ts';
import { MessageId, ReportId, RoomId, UserId } from '../ids.ts';
import { Timestamp } from '../time.ts';
import { Message, pageOf, User } from './chat-objects.ts';
import { LARGEST_PAGE, Members, Mentions, PlainMsgBody } from './chat.ts';
import { intParam } from './query.ts';
import { defineRoute, type Route } from './route.ts';

export const ADMIN_PAGE = 50;

export const UpsertUser = t.readonly(
  t.intersection([
    t.type({ displayName: text(1, 200) }),
    /** What is left out stays as it is; null takes it away. `email` counts as the user is made; one in our domains opens their mailbox at any time. */
    t.partial({
      email: nullable(text(3, 320)),
      description: nullable(text(0, 250)),
      profilePicture: nullable(text(1, 2000)),
      role: UserRole,
    }),
  ]),
);
export type UpsertUser = t.TypeOf<typeof UpsertUser>;

export const AdminRoomMember = t.readonly(
  t.type({
    id: UserId,
    displayName: t.string,
    membershipStatus: oneOf('Joined', 'Left'),
    joinedAt: Timestamp,
    role: RoomRole,
  }),
);
export type AdminRoomMember = t.TypeOf<typeof AdminRoomMember>;

/** A room as nobody in particular sees it. */
export const AdminRoom = t.readonly(
  t.type({
    id: RoomId,
    roomType: RoomType,
    roomName: nullable(t.string),
    roomImageUrl: nullable(t.string),
    createdAt: Timestamp,
    createdBy: UserId,
    /** Those who left too. */
    users: t.readonlyArray(AdminRoomMember),
  }),
);
export type AdminRoom = t.TypeOf<typeof AdminRoom>;

export const CreatedRoom = t.readonly(t.type({ id: RoomId }));

export const CreateRoomFor = t.readonly(
  t.intersection([
    t.type({ roomType: RoomType, members: Members }),
    t.partial({
      roomName: nullable(RoomName),
      /** Of a group, one of `members`; the first of them when left out. */
      owner: UserId,
    }),
  ]),
);

export const PostMessage = t.readonly(
  t.intersection([
    t.type({ msgBody: PlainMsgBody }),
    t.partial({
      /** A member in whose name it is sent; left out, it is the service's own user, who need not be a member. */
      senderId: nullable(UserId),
      mentions: Mentions,
    }),
  ]),
);

export const ReportState = oneOf('open', 'resolved');

/** What was reported, and what became of it. */
export const Report = t.readonly(
  t.type({
    id: ReportId,
    roomId: RoomId,
    messageId: MessageId,
    senderId: UserId,
    reportedBy: UserId,
    /** Null once who reported it is erased. */
    reason: nullable(t.string),
    reportedAt: Timestamp,
    state: ReportState,
    outcome: nullable(ReportOutcome),
    resolvedBy: nullable(UserId),
    resolvedAt: nullable(Timestamp),
  }),
);
export type Report = t.TypeOf<typeof Report>;

const shared = { tag: 'Service', errors: [403] } as const;
const userParams = t.readonly(t.type({ userId: UserId }));
const roomParams = t.readonly(t.type({ roomId: RoomId }));
const paging = { cursor: t.string, limit: intParam(1, LARGEST_PAGE) };

export const upsertUser = defineRoute({
  ...shared,
  id: 'upsertUser',
  method: 'PUT',
  path: '/api/admin/users/{userId}',
  summary:
    'Makes a user, or changes one. What is set here stays until the identity provider itself says something new: a token that repeats the name or role of earlier ones, or the first one, changes nothing.',
  params: userParams,
  body: UpsertUser,
  response: User,
  errors: [403, 409],
});

export const getUserAsService = defineRoute({
  ...shared,
  id: 'getUserAsService',
  method: 'GET',
  path: '/api/admin/users/{userId}',
  summary: 'A user; of an erased one only the id is left.',
  params: userParams,
  response: User,
  errors: [403, 404],
});

export const listUsers = defineRoute({
  ...shared,
  id: 'listUsers',
  method: 'GET',
  path: '/api/admin/users',
  summary: 'All users by name, or those whose `name` has a part; without the erased.',
  query: t.partial({ name: text(0, 100), ...paging }),
  response: pageOf(User),
});

export const exportUser = defineRoute({
  ...shared,
  id: 'exportUser',
  method: 'GET',
  path: '/api/admin/users/{userId}/export',
  summary:
    'All that is kept about a user, as lines of JSON (`application/x-ndjson`), each with a `kind`. The last line is of kind `end` and counts those before it: without it the export was cut off.',
  params: userParams,
  response: t.unknown,
  produces: 'binary',
  errors: [403, 404],
});

export const eraseUser = defineRoute({
  ...shared,
  id: 'eraseUser',
  method: 'DELETE',
  path: '/api/admin/users/{userId}',
  summary:
    'Erases a user for good: they leave every room, their key is destroyed, so that nothing they wrote can be read any more, and their tokens are refused. Places and counts stay. Takes some seconds; after an error send it again, which finishes it.',
  params: userParams,
  errors: [403, 404],
});

export const createRoomFor = defineRoute({
  ...shared,
  id: 'createRoomFor',
  method: 'POST',
  path: '/api/admin/rooms',
  summary: 'Creates a room for others. People in a block relation with its owner (of a private room: with each other) are left out.',
  body: CreateRoomFor,
  response: CreatedRoom,
  errors: [403, 404, 422],
});

export const getRoomAsService = defineRoute({
  ...shared,
  id: 'getRoomAsService',
  method: 'GET',
  path: '/api/admin/rooms/{roomId}',
  summary: 'Any room with its people, also those who left.',
  params: roomParams,
  response: AdminRoom,
  errors: [403, 404],
});

export const getTimelineAsService = defineRoute({
  ...shared,
  id: 'getTimelineAsService',
  method: 'GET',
  path: '/api/admin/rooms/{roomId}/timeline',
  summary: 'Messages of any room, newest first: the newest, or those `before` or `after` one. No block hides anything.',
  params: roomParams,
  query: t.partial({ before: MessageId, after: MessageId, limit: intParam(1, LARGEST_PAGE) }),
  response: t.readonlyArray(Message),
  errors: [403, 404],
});

export const postMessage = defineRoute({
  ...shared,
  id: 'postMessage',
  method: 'POST',
  path: '/api/admin/rooms/{roomId}/messages',
  summary: "Sends a text or media message to any room, as the service's own user or in the name of a member.",
  params: roomParams,
  body: PostMessage,
  response: Message,
  errors: [403, 404, 422],
});

export const listReports = defineRoute({
  ...shared,
  id: 'listReports',
  method: 'GET',
  path: '/api/admin/reports',
  summary: 'Reported messages, the one reported first first; all, or only those that are `open` or `resolved`.',
  query: t.partial({ state: ReportState, ...paging }),
  response: pageOf(Report),
});

export const resolveReport = defineRoute({
  ...shared,
  id: 'resolveReport',
  method: 'POST',
  path: '/api/admin/reports/{reportId}/resolve',
  summary: 'Closes a report: `dismissed`, or `removed`, which deletes the message.',
  params: t.readonly(t.type({ reportId: ReportId })),
  body: t.readonly(t.type({ outcome: ReportOutcome })),
  errors: [403, 404, 409],
});

export const adminRoutes: readonly Route[] = [
  upsertUser,
  getUserAsService,
  listUsers,
  exportUser,
  eraseUser,
  createRoomFor,
  getRoomAsService,
  getTimelineAsService,
  postMessage,
  listReports,
  resolveReport,
];
