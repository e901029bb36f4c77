/** The live stream for those who ask instead of listening, and where to begin: `GET /api/sync`, `POST /api/snapshot`, `GET /api/notifications`. */
import { afterPosition, compareCursors, formatCursor, type LiveCursor, type LiveEvent } from '@tidings/contracts/http/live';
import { listNotifications, MOST_NOTIFICATIONS, SYNC_PAGE, syncEvents, type SyncPage, takeSnapshot } from '@tidings/contracts/http/sync';
import type { UserId } from '@tidings/contracts/ids';
import { START, type Position } from '@tidings/contracts/ports/event-log';
import { msOf, timestamp, type Timestamp } from '@tidings/contracts/time';
import { userView } from '@tidings/projections/chat-view/index';
import { readRooms, ROOM_READS } from '@tidings/projections/chat-view/reading';
import { firstSince, horizon } from '@tidings/projections/feed/queries';
import { othersBy } from '@tidings/projections/relationships/index';
import { someByName, usersById } from '@tidings/projections/users/index';
import type { FastifyInstance } from 'fastify';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { READ_BUDGET_MS } from '../../../http-kit/src/settle.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { ownRooms } from './own-rooms.ts';
import { completeTo, headOf, toldTo } from './told.ts';

const PAGE = 500;

export const registerSync = (app: FastifyInstance, platform: Platform): void => {
  handle(app, platform, syncEvents, ({ actor, query: { after, limit = SYNC_PAGE } }) => sync(platform, actor.userId, after, limit));

  handle(app, platform, takeSnapshot, async ({ actor: { userId } }) => {
    // The place first: what happens while the answer is put together is behind it, and perhaps in it.
    const head = await headOf(platform);
    if (!(await platform.freshness.waitFor(head, ROOM_READS, READ_BUDGET_MS))) {
      throw new ApiError('NOT_YET_VISIBLE', 'What happened last cannot be read yet. Try again shortly.', {
        headers: { 'retry-after': '1' },
      });
    }
    const [[me], rooms, asking] = await Promise.all([
      platform.read.any(usersById(platform.liveSchema('users'), [userId])),
      ownRooms(platform, userId, '', null).then((found) => readRooms(platform, userId, found)),
      platform.read.any(othersBy(platform.liveSchema('relationships'), userId, 'INVITE_RECEIVED')),
    ]);
    if (me === undefined) throw new ApiError('CONTENT_NOT_FOUND', 'There is no such user.');
    const ids = asking.map(({ otherId }) => otherId);
    const everyone = { contains: '', after: null, limit: ids.length };
    const requests = ids.length === 0 ? [] : await platform.read.any(someByName(platform.liveSchema('users'), ids, everyone));
    return {
      cursor: formatCursor(afterPosition(head)),
      me: userView(me),
      rooms,
      friendRequests: requests.map(userView),
      unreadTotal: rooms.reduce((total, { unreadCount }) => total + unreadCount, 0),
      mentionTotal: rooms.reduce((total, { mentionCount }) => total + mentionCount, 0),
    };
  });

  handle(app, platform, listNotifications, ({ actor, query }) => notificationsSince(platform, actor.userId, query.timestamp));
};

/** As the stream begins (services/sse/src/admission.ts): behind the id, unless it is too old or nobody ever gave it. */
const sync = async (platform: Platform, user: UserId, after: LiveCursor, limit: number): Promise<SyncPage> => {
  const [head, kept] = await Promise.all([headOf(platform), platform.read.maybeOne(horizon(platform.liveSchema('feed')))]);
  if (after.position < (kept?.position ?? START)) return afresh(head, 'no-longer-kept');
  if (after.position > head) return afresh(head, 'unknown-id');
  const upTo = await completeTo(platform, head);
  const { events, next } = await toldTo(platform, user, after, upTo, limit);
  // A stream may have told this client what the tables do not hold yet.
  const end = compareCursors(after, afterPosition(upTo)) > 0 ? after : afterPosition(upTo);
  return {
    events: events.map(({ at, event }) => ({ id: formatCursor(at), event })),
    next: formatCursor(next ?? end),
    more: next !== null,
    resync: null,
  };
};

const afresh = (head: Position, resync: SyncPage['resync']): SyncPage => ({
  events: [],
  next: formatCursor(afterPosition(head)),
  more: false,
  resync,
});

const MINUTE_MS = 60_000;

const notificationsSince = async (platform: Platform, user: UserId, since: Timestamp): Promise<readonly LiveEvent[]> => {
  const second = timestamp(Math.floor(msOf(since) / 1000) * 1000);
  const minute = timestamp(Math.floor(msOf(since) / MINUTE_MS) * MINUTE_MS);
  const upTo = await completeTo(platform, await headOf(platform));
  const { position } = await platform.read.one(firstSince(platform.liveSchema('feed'), minute));
  const found: LiveEvent[] = [];
  for (
    let from: LiveCursor | null = position === null ? null : { position, index: -1 };
    from !== null && found.length < MOST_NOTIFICATIONS;
  ) {
    const { events, next } = await toldTo(platform, user, from, upTo, PAGE);
    found.push(...events.flatMap(({ event }) => (event.createdAt >= second ? [event] : [])));
    from = next;
  }
  return found.slice(0, MOST_NOTIFICATIONS);
};
