/** Friendship and blocking (chat-contract §1.5). */
import { acceptFriendship, blockUser, endFriendship, rejectFriendship, requestFriendship, unblockUser } from '@tidings/contracts/http/chat';
import type { UserId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import type { CommandContext } from '@tidings/infra/event-store/event-store';
import {
  isBlocked,
  relationship,
  type RelationshipCommand,
  relationshipKey,
  type RelationshipState,
} from '@tidings/domain/relationship/index';
import { isMember, privateRoomId, room, roomKey } from '@tidings/domain/room/index';
import type { FastifyInstance } from 'fastify';
import * as E from 'fp-ts/lib/Either.js';
import type { Ctx } from '../../../http-kit/src/ctx.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import { transactOnce } from '../../../http-kit/src/retry.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { besides } from './context.ts';
import { assertKnown } from './known-users.ts';

/** Where relationships show; `users` counts friends. */
const PEOPLE_READS = ['relationships', 'users'];

type WithUser = Ctx<{ readonly userId: UserId }>;

export const registerPeople = (app: FastifyInstance, platform: Platform): void => {
  const decide = async (ctx: WithUser, type: RelationshipCommand['type']): Promise<{ state: RelationshipState; position: Position }> => {
    const command = { type, by: ctx.actor.userId, to: ctx.params.userId };
    return orReject(await platform.commands.transact(relationship, relationshipKey(command.by, command.to), command, ctx.context));
  };
  const run = (type: RelationshipCommand['type']) => async (ctx: WithUser) => {
    const { position } = await decide(ctx, type);
    await ctx.settle(position, PEOPLE_READS);
  };
  /** What makes something is answered alike when it is sent again, whatever the two have done since. */
  const once = (type: RelationshipCommand['type']) => async (ctx: WithUser) => {
    const command = { type, by: ctx.actor.userId, to: ctx.params.userId };
    const { position } = orReject(await transactOnce(platform, ctx, relationship, relationshipKey(command.by, command.to), command));
    await ctx.settle(position, PEOPLE_READS);
  };

  handle(
    app,
    platform,
    requestFriendship,
    async (ctx) => {
      await assertOther(platform, ctx);
      await once('RequestFriendship')(ctx);
    },
    { idempotent: true },
  );
  handle(app, platform, acceptFriendship, once('AcceptFriendship'), { idempotent: true });
  handle(app, platform, rejectFriendship, run('RejectFriendship'));
  handle(app, platform, endFriendship, run('EndFriendship'));

  handle(app, platform, blockUser, async (ctx) => {
    await assertOther(platform, ctx);
    const blocked = await decide(ctx, 'BlockUser');
    // After the block, so that a crash in between leaves at most a room in which nobody can write, and the retry ends it.
    const left = await leavePrivateRoom(platform, ctx.actor.userId, ctx.params.userId, ctx.context);
    await ctx.settle(left ?? blocked.position, left === null ? PEOPLE_READS : [...PEOPLE_READS, 'rooms', 'timeline']);
    return { state: 'CLIENT_BLOCKED' as const };
  });

  handle(app, platform, unblockUser, async (ctx) => {
    const { state, position } = await decide(ctx, 'UnblockUser');
    await ctx.settle(position, PEOPLE_READS);
    return { state: isBlocked(state) ? ('CLIENT_GOT_BLOCKED' as const) : null };
  });
};

/** The other one must exist; oneself does, and the decision says what is wrong with that. */
const assertOther = async (platform: Platform, { actor, params }: WithUser): Promise<void> => {
  if (params.userId !== actor.userId) await assertKnown(platform, [params.userId]);
};

/** Ends `by`'s part in the private room with `other`, if they have one (§6: the other keeps it). Null when there was nothing to end. */
const leavePrivateRoom = async (platform: Platform, by: UserId, other: UserId, context: CommandContext): Promise<Position | null> => {
  const roomId = privateRoomId(by, other);
  const { state } = await platform.commands.load(room, roomKey(roomId));
  if (!isMember(state, by)) return null;
  const left = await platform.commands.transact(
    room,
    roomKey(roomId),
    { type: 'LeaveRoom', roomId, userId: by },
    besides(context, 'leave'),
  );
  return E.isRight(left) ? left.right.position : null; // rejected: they left elsewhere in the meantime
};
