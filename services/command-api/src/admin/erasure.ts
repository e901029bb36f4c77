/**
 * Erasing a user (architecture §10). Every step is idempotent and in an order that a crash may cut anywhere: running it again finishes it.
 *
 * Keys go first, then we wait until no node has them in memory: whatever read models understood until then lies before `MailboxClosed` and
 * `SubjectErased`, at which they forget it, and nothing behind can be understood by anybody. So live tables and replays come out alike.
 */
import { type MailboxId, subjectId, type UserId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import { DESTROYED_EVERYWHERE_MS } from '@tidings/contracts/ports/subject-keys';
import { user, userKey } from '@tidings/domain/user/index';
import type { CommandContext } from '@tidings/infra/event-store/event-store';
import { forgetPresence } from '@tidings/infra/presence/forget';
import { setTimeout as delay } from 'node:timers/promises';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { removeErased } from '../../../platform/src/collect-blobs.ts';
import { caughtUp, NotCaughtUp } from '../../../platform/src/unused-blobs.ts';
import { closeMailboxes, giveUpAddresses, ownMailboxesOf } from './own-mailboxes.ts';
import { SWEPT, sweep } from './sweep.ts';

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
  const known = await platform.commands.load(user, userKey(erasure.userId));
  if (known.state.kind === 'unknown') throw new ApiError('CONTENT_NOT_FOUND', 'There is no such user.');
  try {
    // Who is erased already has nothing left but what a crash kept from being swept.
    const erasedAt = known.state.kind === 'erased' ? known.position : await forget(platform, erasure);
    // Until then others could still invite them.
    const swept = await sweep(platform, erasure, 'last');
    await forgetPresence(platform.pool, erasure.userId);
    return swept ?? erasedAt;
  } catch (error) {
    if (!(error instanceof NotCaughtUp)) throw error;
    throw new ApiError('NOT_YET_VISIBLE', 'The read models are too far behind to tell where this user is. Send the same request again.', {
      headers: { 'retry-after': '5' },
      cause: error,
    });
  }
};

const forget = async (platform: Platform, erasure: Erasure): Promise<Position> => {
  const { userId, by, context } = erasure;
  // From here on their tokens are refused and their streams end, at every node within a second.
  await platform.keys.destroy(subjectId(userId));
  const mailboxes = await emptyOut(platform, erasure);
  await sweep(platform, erasure, 'first');
  const before = await Promise.all(platform.log.shards.map(async (shard) => [shard, await platform.log.head(shard)] as const));
  await closeMailboxes(platform, erasure, mailboxes);
  const { position } = orReject(await platform.commands.transact(user, userKey(userId), { type: 'EraseUser', userId, by }, context));
  // Should this be cut short, the caretaker does it.
  for (const [shard, head] of before) await removeErased(platform, shard, head, await platform.log.head(shard));
  return position;
};

/**
 * Takes the keys of the mailboxes that read models still show, which forget them at the events to come. What was on its way in as the keys went may
 * show a moment later, so it looks until there is nothing new.
 * @returns the mailboxes that are to be closed
 */
const emptyOut = async (platform: Platform, { userId, context }: Erasure): Promise<readonly MailboxId[]> => {
  const keyless = new Set<MailboxId>();
  for (let isFirst = true; ; isFirst = false) {
    await caughtUp(platform, SWEPT);
    const mailboxes = await ownMailboxesOf(platform, userId);
    const withKey = mailboxes.filter((mailbox) => !keyless.has(mailbox));
    if (!isFirst && withKey.length === 0) return mailboxes;
    for (const mailbox of withKey) {
      // Addresses first: without the key nobody knows them.
      await giveUpAddresses(platform, mailbox, context);
      await platform.keys.destroy(subjectId(mailbox));
      keyless.add(mailbox);
    }
    await delay(DESTROYED_EVERYWHERE_MS);
  }
};
