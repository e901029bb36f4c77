/** The directory as a back end sees it. */
import { ADMIN_PAGE, getUserAsService, listUsers } from '@tidings/contracts/http/admin';
import { UserId } from '@tidings/contracts/ids';
import { userView } from '@tidings/projections/chat-view/index';
import { type ListedUser, othersByName, usersById } from '@tidings/projections/users/index';
import type { FastifyInstance } from 'fastify';
import * as t from 'io-ts';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { assertService } from '../../../http-kit/src/service-actor.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { decodeCursor, pageOfFound } from '../chat/cursor.ts';

const READS = { reads: ['users'] };
/** The nil UUID: the lists of the directory leave one user out, and here it is none. */
const NOBODY = '00000000-0000-0000-0000-000000000000' as UserId;

const UserCursor = t.readonly(t.type({ nameKey: t.string, id: UserId }));

export const registerUsers = (app: FastifyInstance, platform: Platform): void => {
  handle(
    app,
    platform,
    getUserAsService,
    async ({ actor, params: { userId } }) => {
      assertService(actor);
      const [found] = await platform.read.any(usersById(platform.liveSchema('users'), [userId]));
      if (found === undefined) throw new ApiError('CONTENT_NOT_FOUND', 'There is no such user.');
      return userView(found);
    },
    READS,
  );

  handle(
    app,
    platform,
    listUsers,
    async ({ actor, query: { name = '', cursor, limit = ADMIN_PAGE } }) => {
      assertService(actor);
      const page = { contains: name, after: decodeCursor(UserCursor, cursor), limit: limit + 1 };
      const found = await platform.read.any(othersByName(platform.liveSchema('users'), NOBODY, page));
      return pageOfFound(found, limit, cursorOf, found.map(userView));
    },
    READS,
  );
};

const cursorOf = (last: ListedUser): object => ({ nameKey: last.nameKey ?? '', id: last.id });
