/** `GET /api/admin/users/{userId}/export`: a page of the log after the other, so that memory stays flat however much somebody has written. */
import { exportUser } from '@tidings/contracts/http/admin';
import type { UserId } from '@tidings/contracts/ids';
import { START } from '@tidings/contracts/ports/event-log';
import { type Timestamp } from '@tidings/contracts/time';
import { user, userKey } from '@tidings/domain/user/index';
import { userView } from '@tidings/projections/chat-view/index';
import { rolesOf } from '@tidings/projections/mailboxes/index';
import { othersBy } from '@tidings/projections/relationships/index';
import { usersById } from '@tidings/projections/users/index';
import type { FastifyInstance } from 'fastify';
import { Readable } from 'node:stream';
import { bytes } from '../../../http-kit/src/ctx.ts';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { assertService } from '../../../http-kit/src/service-actor.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { ownRooms } from '../chat/own-rooms.ts';
import { EXPORTED_TYPES, lineOf, names } from './export-lines.ts';

const PAGE = 500;

export const registerExport = (app: FastifyInstance, platform: Platform): void => {
  handle(
    app,
    platform,
    exportUser,
    async ({ actor, params: { userId }, at, reply }) => {
      assertService(actor);
      const { state } = await platform.commands.load(user, userKey(userId));
      if (state.kind !== 'registered') throw new ApiError('CONTENT_NOT_FOUND', 'There is no such user.');
      void reply.header('content-disposition', `attachment; filename="${userId}.ndjson"`);
      return bytes(Readable.from(text(platform, userId, at), { objectMode: false }), 'application/x-ndjson');
    },
    { reads: ['users', 'relationships', 'rooms', 'mailboxes'] },
  );
};

/** Cut off where something fails: then there is no `end`. */
async function* text(platform: Platform, userId: UserId, at: Timestamp): AsyncGenerator<string> {
  let lines = 2;
  yield `${JSON.stringify({ kind: 'export', version: 1, userId, at })}\n${JSON.stringify(await standing(platform, userId))}\n`;
  for await (const page of facts(platform, userId)) {
    lines += page.length;
    yield page.map((line) => `${JSON.stringify(line)}\n`).join('');
  }
  yield `${JSON.stringify({ kind: 'end', lines })}\n`;
}

/** How things are now; the lines that follow tell how they came to be so. */
const standing = async (platform: Platform, userId: UserId): Promise<object> => {
  const schema = platform.liveSchema('relationships');
  const others = async (relation: Parameters<typeof othersBy>[2]): Promise<readonly UserId[]> =>
    (await platform.read.any(othersBy(schema, userId, relation))).map(({ otherId }) => otherId);
  const [profile] = await platform.read.any(usersById(platform.liveSchema('users'), [userId]));
  const rooms = await ownRooms(platform, userId, '', null);
  return {
    kind: 'now',
    profile: profile === undefined ? null : userView(profile),
    friends: await others('FRIEND'),
    requestsSent: await others('INVITE_SENT'),
    requestsReceived: await others('INVITE_RECEIVED'),
    blocked: await others('CLIENT_BLOCKED'),
    rooms: rooms.map(({ id, roomType, joinedAt }) => ({ roomId: id, roomType, joinedAt })),
    mailboxes: await platform.read.any(rolesOf(platform.liveSchema('mailboxes'), userId)),
  };
};

/** Up to where the log ended as it began; pages without anything are left out, so that the socket does not idle for nothing. */
async function* facts(platform: Platform, userId: UserId): AsyncGenerator<readonly object[]> {
  for (const shard of platform.log.shards) {
    const end = await platform.log.head(shard);
    for (let after = START; after < end;) {
      const page = await platform.log.readAll(shard, after, PAGE, { types: EXPORTED_TYPES });
      const { events, faults } = await platform.events.open(page.events.filter(({ data }) => names(data, userId)));
      if (faults[0] !== undefined) throw new Error(`event ${faults[0].event.id} cannot be read: ${faults[0].reason}`);
      const lines = events.flatMap((event) => lineOf(event, userId) ?? []);
      if (lines.length > 0) yield lines;
      if (page.atHead) break;
      after = page.next;
    }
  }
}
