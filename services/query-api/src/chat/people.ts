/** Users, friends and friend requests. */
import { getUser, listFriendRequests, listFriends, searchUsers, USER_SEARCH_PAGE } from '@tidings/contracts/http/chat';
import type { Page, RelationshipType, User, UserWithRelationship } from '@tidings/contracts/http/chat-objects';
import { UserId } from '@tidings/contracts/ids';
import { userView } from '@tidings/projections/chat-view/index';
import { othersBy, relationsTo } from '@tidings/projections/relationships/index';
import { type ListedUser, type NamePage, othersByName, someByName, usersById } from '@tidings/projections/users/index';
import type { FastifyInstance } from 'fastify';
import * as t from 'io-ts';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { decodeCursor, pageOfFound } from './cursor.ts';

const PEOPLE_READS = { reads: ['users', 'relationships'] };
/** Of a list whose caller gave a cursor and no size. */
const DEFAULT_PAGE = 20;

/** `lastSeenName` is what the list is ordered by: the name in lower case. */
const UserCursor = t.readonly(t.type({ lastSeenName: t.string, lastSeenId: UserId }));

export const registerPeople = (app: FastifyInstance, platform: Platform): void => {
  handle(
    app,
    platform,
    getUser,
    async ({ actor, params: { userId } }) => {
      const found = userId === actor.userId ? [] : await platform.read.any(usersById(platform.liveSchema('users'), [userId]));
      const [shown] = await withRelations(platform, actor.userId, found);
      if (shown === undefined) throw new ApiError('CONTENT_NOT_FOUND', 'There is no such user.');
      return shown;
    },
    PEOPLE_READS,
  );

  handle(
    app,
    platform,
    searchUsers,
    async ({ actor, query: { username = '', cursor } }) => {
      const asked: NamePage = { contains: username, after: afterOf(cursor), limit: USER_SEARCH_PAGE + 1 };
      const found = await platform.read.any(othersByName(platform.liveSchema('users'), actor.userId, asked));
      return pageOfFound(found, USER_SEARCH_PAGE, cursorOf, await withRelations(platform, actor.userId, found));
    },
    PEOPLE_READS,
  );

  handle(app, platform, listFriends, ({ actor, query }) => listBy(platform, actor.userId, 'FRIEND', query), PEOPLE_READS);
  handle(app, platform, listFriendRequests, ({ actor, query }) => listBy(platform, actor.userId, 'INVITE_RECEIVED', query), PEOPLE_READS);
};

interface ListQuery {
  readonly username?: string | undefined;
  readonly cursor?: string | undefined;
  readonly limit?: number | undefined;
}

/** Those to whom the caller stands so: all of them as ISM's bare array, or a page when one is asked for. */
const listBy = async (
  platform: Platform,
  actor: UserId,
  relation: RelationshipType,
  { username = '', cursor, limit }: ListQuery,
): Promise<readonly User[] | Page<User>> => {
  const after = afterOf(cursor);
  const others = await platform.read.any(othersBy(platform.liveSchema('relationships'), actor, relation));
  const ids = others.map(({ otherId }) => otherId);
  const isPaged = cursor !== undefined || limit !== undefined;
  const size = isPaged ? (limit ?? DEFAULT_PAGE) : ids.length;
  const found =
    ids.length === 0
      ? []
      : await platform.read.any(someByName(platform.liveSchema('users'), ids, { contains: username, after, limit: size + 1 }));
  const shown = found.map(userView);
  return isPaged ? pageOfFound(found, size, cursorOf, shown) : shown;
};

const withRelations = async (platform: Platform, actor: UserId, found: readonly ListedUser[]): Promise<readonly UserWithRelationship[]> => {
  if (found.length === 0) return [];
  const ids = found.map(({ id }) => id);
  const relations = await platform.read.any(relationsTo(platform.liveSchema('relationships'), actor, ids));
  const relationTo = new Map(relations.map(({ otherId, relation }) => [otherId, relation]));
  return found.map((person) => ({ user: userView(person), relationshipType: relationTo.get(person.id) ?? null }));
};

const afterOf = (cursor: string | undefined): NamePage['after'] => {
  const place = decodeCursor(UserCursor, cursor);
  return place === null ? null : { nameKey: place.lastSeenName, id: place.lastSeenId };
};
const cursorOf = (last: ListedUser): object => ({ lastSeenName: last.nameKey ?? '', lastSeenId: last.id });
