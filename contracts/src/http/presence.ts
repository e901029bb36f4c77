/** What passes: who is typing, and who is there. */
import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import { nullable } from '../codec.ts';
import { RoomId, UserId } from '../ids.ts';
import { described } from '../json-schema.ts';
import { Timestamp } from '../time.ts';
import { defineRoute, type Route } from './route.ts';

/** One question asks for at most so many. */
export const MOST_ASKED_FOR = 200;

export const SetTyping = t.readonly(t.type({ typing: t.boolean }));

/** `lastSeenAt` is when their last stream ended; null while one is open, and when nobody knows. */
export const UserPresence = t.readonly(t.type({ userId: UserId, online: t.boolean, lastSeenAt: nullable(Timestamp) }));
export type UserPresence = t.TypeOf<typeof UserPresence>;

/** `?userIds=<id>,<id>` */
const UserIds = described(
  new t.Type<readonly UserId[], string>(
    'UserIds',
    (u): u is readonly UserId[] => t.readonlyArray(UserId).is(u),
    (u, c) => {
      const ids = typeof u === 'string' ? u.split(',') : [];
      const decoded = t.readonlyArray(UserId).decode(ids);
      return E.isRight(decoded) && ids.length > 0 && ids.length <= MOST_ASKED_FOR
        ? decoded
        : t.failure(u, c, `must be 1-${MOST_ASKED_FOR} user ids, with commas between`);
    },
    (ids) => ids.join(),
  ),
  { type: 'string' },
);

export const setTyping = defineRoute({
  id: 'setTyping',
  method: 'POST',
  path: '/api/rooms/{roomId}/typing',
  tag: 'Live',
  summary:
    'Tells the other members that you are typing, or no longer. Say it again every few seconds while you do: it ends by itself after six.',
  params: t.readonly(t.type({ roomId: RoomId })),
  body: SetTyping,
  errors: [403],
});

export const getPresence = defineRoute({
  id: 'getPresence',
  method: 'GET',
  path: '/api/presence',
  tag: 'Live',
  summary: 'Who of these people is there. Left out: who is neither your friend nor in a room with you, and who is blocked or blocks you.',
  query: t.type({ userIds: UserIds }),
  response: t.readonlyArray(UserPresence),
});

export const presenceRoutes: readonly Route[] = [setTyping, getPresence];
