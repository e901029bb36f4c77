/** What ties someone who is erased to others comes to an end: rooms, friendships, devices, shared mailboxes. */
import { derivedId, type CommandId, type UserId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import { mailbox, mailboxKey } from '@tidings/domain/mailbox/index';
import { push, pushKey } from '@tidings/domain/push/index';
import { relationship, type RelationshipCommand, relationshipKey } from '@tidings/domain/relationship/index';
import { room, roomKey } from '@tidings/domain/room/index';
import type { CommandContext } from '@tidings/infra/event-store/event-store';
import { rolesOf } from '@tidings/projections/mailboxes/index';
import { subscriptionsOf } from '@tidings/projections/push-subscriptions/index';
import { othersBy } from '@tidings/projections/relationships/index';
import { roomsOf } from '@tidings/projections/rooms/index';
import * as E from 'fp-ts/lib/Either.js';
import { orReject } from '../../../http-kit/src/rejections.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { caughtUp } from '../../../platform/src/unused-blobs.ts';
import type { Erasure } from './erasure.ts';
import { ownMailboxesOf } from './own-mailboxes.ts';

/** What tells us where the user is. */
export const SWEPT = ['rooms', 'relationships', 'push-subscriptions', 'media', 'emails', 'drafts', 'mailboxes'];

/**
 * @param time of several in one erasure
 * @returns the position of the last event, null when there was nothing left to end
 * @throws NotCaughtUp
 */
export const sweep = async (platform: Platform, { userId, context }: Erasure, time: string): Promise<Position | null> => {
  await caughtUp(platform, SWEPT);
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
  for (const mailboxId of await guestMailboxesOf(platform, userId)) {
    const command = { type: 'RemoveErasedMember', mailboxId, userId } as const;
    done(orReject(await platform.commands.transact(mailbox, mailboxKey(mailboxId), command, named('mailbox', mailboxId))));
  }
  return last;
};

const ENDINGS = [
  ['FRIEND', 'EndFriendship', 'own'],
  ['INVITE_RECEIVED', 'RejectFriendship', 'own'],
  ['INVITE_SENT', 'RejectFriendship', 'other'],
] as const satisfies readonly (readonly [string, RelationshipCommand['type'], 'own' | 'other'])[];

/** Their own are closed with all that is in them. */
const guestMailboxesOf = async (platform: Platform, userId: UserId) => {
  const own = new Set(await ownMailboxesOf(platform, userId));
  const all = await platform.read.any(rolesOf(platform.liveSchema('mailboxes'), userId));
  return all.flatMap(({ mailboxId }) => (own.has(mailboxId) ? [] : [mailboxId]));
};
