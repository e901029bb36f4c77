/** How clients that cannot keep a live stream, or are about to open one, come level with it: tickets, the same events by REST, all at once. */
import * as t from 'io-ts';
import { int, nullable, oneOf } from '../codec.ts';
import { Timestamp } from '../time.ts';
import { ChatRoom, User } from './chat-objects.ts';
import { EventCursor, LiveEvent } from './live.ts';
import { intParam } from './query.ts';
import { defineRoute, type Route } from './route.ts';

export const SYNC_PAGE = 100;
export const LARGEST_SYNC_PAGE = 500;
/** A ticket is for a stream that is opened right away. */
export const TICKET_MS = 60_000;
/** One answer of `GET /api/notifications` has at most so many events, the oldest. */
export const MOST_NOTIFICATIONS = 1000;

export const StreamTicket = t.readonly(t.type({ ticket: t.string, expiresAt: Timestamp }));

/** An event of the live stream under the id that the stream gives it. */
export const SyncedEvent = t.readonly(t.type({ id: t.string, event: LiveEvent }));
export const SyncPage = t.readonly(
  t.type({
    events: t.readonlyArray(SyncedEvent),
    /** Go on behind it, here or as `Last-Event-ID` of a stream. */
    next: t.string,
    more: t.boolean,
    /** Why events are missing: load afresh (`POST /api/snapshot`), then go on behind `next`. */
    resync: nullable(oneOf('no-longer-kept', 'unknown-id')),
  }),
);
export type SyncPage = t.TypeOf<typeof SyncPage>;

export const Snapshot = t.readonly(
  t.type({
    /** Whatever happened up to here is in this answer; what follows is behind it in stream and sync, some of it perhaps here already. */
    cursor: t.string,
    me: User,
    rooms: t.readonlyArray(ChatRoom),
    friendRequests: t.readonlyArray(User),
    unreadTotal: int(0),
    mentionTotal: int(0),
  }),
);

const shared = { tag: 'Live' } as const;

export const createStreamTicket = defineRoute({
  ...shared,
  id: 'createStreamTicket',
  method: 'POST',
  path: '/api/stream-ticket',
  summary:
    'A ticket for one live stream (`GET /api/sse?ticket=`), for clients that cannot send headers, like EventSource of browsers. It serves once, within a minute; the stream ends with the token that asked for it.',
  response: StreamTicket,
});

export const syncEvents = defineRoute({
  ...shared,
  id: 'syncEvents',
  method: 'GET',
  path: '/api/sync',
  summary: 'The events of the live stream behind `after`, under the same ids, each once and in order.',
  query: t.intersection([t.type({ after: EventCursor }), t.partial({ limit: intParam(1, LARGEST_SYNC_PAGE) })]),
  response: SyncPage,
});

export const takeSnapshot = defineRoute({
  ...shared,
  id: 'takeSnapshot',
  method: 'POST',
  path: '/api/snapshot',
  summary: 'Your rooms, friend requests and what is unread, with the id behind which stream and sync go on: nothing falls between.',
  response: Snapshot,
});

export const listNotifications = defineRoute({
  ...shared,
  id: 'listNotifications',
  method: 'GET',
  path: '/api/notifications',
  summary: `What you were told since \`timestamp\`, by whole seconds and inclusive: the events of the live stream, the oldest first, at most ${MOST_NOTIFICATIONS}.`,
  query: t.type({ timestamp: Timestamp }),
  response: t.readonlyArray(LiveEvent),
});

export const syncRoutes: readonly Route[] = [createStreamTicket, syncEvents, takeSnapshot, listNotifications];
