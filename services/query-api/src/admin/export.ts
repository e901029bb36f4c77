/** `GET /api/admin/users/{userId}/export`: fact after fact from the log, a page at a time, so that memory stays flat however much somebody has written. */
import { exportUser } from '@tidings/contracts/http/admin';
import type { UserId } from '@tidings/contracts/ids';
import { START } from '@tidings/contracts/ports/event-log';
import { type Timestamp } from '@tidings/contracts/time';
import { user, userKey } from '@tidings/domain/user/index';
import { userView } from '@tidings/projections/chat-view/index';
import { rolesOf } from '@tidings/projections/mailboxes/index';
import { othersBy } from '@tidings/projections/relationships/index';
import { factsBehind } from '@tidings/projections/user-facts/index';
import { usersById } from '@tidings/projections/users/index';
import type { FastifyInstance } from 'fastify';
import { Readable } from 'node:stream';
import { bytes } from '../../../http-kit/src/ctx.ts';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { assertService } from '../../../http-kit/src/service-actor.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { caughtUp, NotCaughtUp } from '../../../platform/src/unused-blobs.ts';
import { ownRooms } from '../chat/own-rooms.ts';
import { lineOf } from './export-lines.ts';

const PAGE = 200;

export const registerExport = (app: FastifyInstance, platform: Platform): void => {
  handle(
    app,
    platform,
    exportUser,
    async ({ actor, params: { userId }, at, reply }) => {
      assertService(actor);
      const { state } = await platform.commands.load(user, userKey(userId));
      if (state.kind !== 'registered') throw new ApiError('CONTENT_NOT_FOUND', 'There is no such user.');
      await upToDate(platform);
      void reply.header('content-disposition', `attachment; filename="${userId}.ndjson"`);
      return bytes(Readable.from(text(platform, userId, at), { objectMode: false }), 'application/x-ndjson');
    },
    { reads: ['users', 'relationships', 'rooms', 'mailboxes'] },
  );
};

/** @throws ApiError 503 */
const upToDate = async (platform: Platform): Promise<void> => {
  try {
    await caughtUp(platform, ['user-facts']);
  } catch (cause) {
    if (!(cause instanceof NotCaughtUp)) throw cause;
    throw new ApiError('NOT_YET_VISIBLE', 'What is kept about users is being gathered. Try again shortly.', {
      headers: { 'retry-after': '5' },
      cause,
    });
  }
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

/** Only what is about them is read: a long log of others costs nothing. */
async function* facts(platform: Platform, userId: UserId): AsyncGenerator<readonly object[]> {
  const schema = platform.liveSchema('user-facts');
  for (const shard of platform.log.shards) {
    for (let after = START; ;) {
      const places = (await platform.read.any(factsBehind(schema, userId, shard, after, PAGE))).map(({ position }) => position);
      const { events, faults } = await platform.events.open(await platform.log.readAt(shard, places));
      if (faults[0] !== undefined) throw new Error(`event ${faults[0].event.id} cannot be read: ${faults[0].reason}`);
      const lines = events.flatMap((event) => lineOf(event) ?? []);
      if (lines.length > 0) yield lines;
      const last = places.at(-1);
      if (last === undefined || places.length < PAGE) break;
      after = last;
    }
  }
}
