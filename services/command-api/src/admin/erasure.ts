/**
 * Erasing a user (architecture §10). Every step is idempotent and in an order that a crash may cut anywhere: running it again finishes it.
 *
 * The key goes first, then we wait until no node has it in memory: whatever read models understood until then lies before `SubjectErased`, at
 * which they forget it, and nothing behind it can be understood by anybody. So live tables and replays come out alike.
 */
import { derivedId, type CommandId, subjectId, type UserId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import { DESTROYED_EVERYWHERE_MS } from '@tidings/contracts/ports/subject-keys';
import { push, pushKey } from '@tidings/domain/push/index';
import { relationship, type RelationshipCommand, relationshipKey } from '@tidings/domain/relationship/index';
import { room, roomKey } from '@tidings/domain/room/index';
import { user, userKey } from '@tidings/domain/user/index';
import type { CommandContext } from '@tidings/infra/event-store/event-store';
import { forgetPresence } from '@tidings/infra/presence/forget';
import { blobsInMail } from '@tidings/projections/emails/index';
import { soleBlobsOf } from '@tidings/projections/media/index';
import { subscriptionsOf } from '@tidings/projections/push-subscriptions/index';
import { othersBy } from '@tidings/projections/relationships/index';
import { roomsOf } from '@tidings/projections/rooms/index';
import { either as E } from 'fp-ts';
import { setTimeout as delay } from 'node:timers/promises';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import type { Platform } from '../../../platform/src/platform.ts';

/** What tells us where the user is. */
const SWEPT = ['rooms', 'relationships', 'push-subscriptions', 'media', 'emails'];
const SWEEP_BUDGET_MS = 10_000;

export interface Erasure {
  readonly userId: UserId;
  readonly by: UserId;
  readonly context: CommandContext;
}

/**
 * @returns where in the log it ended
 * @throws ApiError 404 for nobody; 503 when read models are too far behind to tell where the user is
 */
export const erase = async (platform: Platform, erasure: Erasure): Promise<Position> => {
  const { userId, by, context } = erasure;
  const { state } = await platform.commands.load(user, userKey(userId));
  if (state.kind === 'unknown') throw new ApiError('CONTENT_NOT_FOUND', 'There is no such user.');
  // From here on their tokens are refused and their streams end, at every node within a second.
  await platform.keys.destroy(subjectId(userId));
  await delay(DESTROYED_EVERYWHERE_MS);
  await sweep(platform, erasure, 'first');
  await removeFiles(platform, userId);
  const erased = orReject(await platform.commands.transact(user, userKey(userId), { type: 'EraseUser', userId, by }, context));
  // Until just now others could still invite them.
  const swept = await sweep(platform, erasure, 'last');
  await forgetPresence(platform.pool, userId);
  return swept ?? erased.position;
};

/** Ends what ties them to others. @returns the position of the last event, null when there was nothing left to end */
const sweep = async (platform: Platform, { userId, context }: Erasure, time: string): Promise<Position | null> => {
  await caughtUp(platform);
  let last: Position | null = null;
  const done = ({ position }: { readonly position: Position }): void => {
    if (last === null || position > last) last = position;
  };
  const named = (...what: readonly string[]): CommandContext => ({
    ...context,
    commandId: derivedId<CommandId>('erasure', context.commandId, time, ...what),
  });
  for (const { id } of await platform.read.any(roomsOf(platform.liveSchema('rooms'), userId, null))) {
    const command = { type: 'LeaveRoom', roomId: id, userId } as const;
    const left = await platform.commands.transact(room, roomKey(id), command, named('leave', id));
    if (E.isRight(left)) done(left.right); // else somebody removed them in the meantime
  }
  const schema = platform.liveSchema('relationships');
  for (const [relation, type, whose] of ENDINGS) {
    for (const { otherId } of await platform.read.any(othersBy(schema, userId, relation))) {
      // A request of theirs can only be turned down by the one who was asked.
      const command = whose === 'own' ? { type, by: userId, to: otherId } : { type, by: otherId, to: userId };
      const ended = await platform.commands.transact(relationship, relationshipKey(userId, otherId), command, named(type, otherId));
      if (E.isRight(ended)) done(ended.right); // else it ended in the meantime
    }
  }
  for (const { id } of await platform.read.any(subscriptionsOf(platform.liveSchema('push-subscriptions'), [userId]))) {
    const command = { type: 'UnsubscribeFromPush', subscriptionId: id, userId } as const;
    done(orReject(await platform.commands.transact(push, pushKey(userId, id), command, named('push', id))));
  }
  return last;
};

const ENDINGS = [
  ['FRIEND', 'EndFriendship', 'own'],
  ['INVITE_RECEIVED', 'RejectFriendship', 'own'],
  ['INVITE_SENT', 'RejectFriendship', 'other'],
] as const satisfies readonly (readonly [string, RelationshipCommand['type'], 'own' | 'other'])[];

/** Before `SubjectErased`, at which the read model forgets which files were theirs. */
const removeFiles = async (platform: Platform, userId: UserId): Promise<void> => {
  const own = (await platform.read.any(soleBlobsOf(platform.liveSchema('media'), userId))).map(({ blobId }) => blobId);
  if (own.length === 0) return;
  const mail = await platform.read.any(blobsInMail(platform.liveSchema('emails'), own));
  const kept = new Set(mail.map(({ blobId }) => blobId));
  for (const blob of own) if (!kept.has(blob)) await platform.blobs.remove(blob);
};

const caughtUp = async (platform: Platform): Promise<void> => {
  for (const shard of platform.log.shards) {
    const head = await platform.log.head(shard);
    if (await platform.freshness.waitFor(head, SWEPT, SWEEP_BUDGET_MS)) continue;
    throw new ApiError('NOT_YET_VISIBLE', 'The read models are too far behind to tell where this user is. Send the same request again.', {
      headers: { 'retry-after': '5' },
    });
  }
};
