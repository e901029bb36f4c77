/** What owners and admins of a group do: name it, remove members, give ranks. The room's own decision says who may. */
import { removeMember, renameRoom, setMemberRole } from '@tidings/contracts/http/groups';
import type { RoomId } from '@tidings/contracts/ids';
import { room, type RoomCommand, roomKey } from '@tidings/domain/room/index';
import type { FastifyInstance } from 'fastify';
import type { Ctx } from '../../../http-kit/src/ctx.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import { writtenBefore } from '../../../http-kit/src/retry.ts';
import type { Platform } from '../../../platform/src/platform.ts';

/** Where a group's name and its members show. */
const GROUP_READS = ['rooms', 'timeline', 'read-states'];

type InRoom = Pick<Ctx<{ readonly roomId: RoomId }>, 'params' | 'context' | 'retried' | 'settle'>;

export const registerRoomRoles = (app: FastifyInstance, platform: Platform): void => {
  const run = async ({ params, context, settle }: InRoom, command: RoomCommand): Promise<void> => {
    const { position } = orReject(await platform.commands.transact(room, roomKey(params.roomId), command, context));
    await settle(position, GROUP_READS);
  };
  /** A name or a rank that somebody gave meanwhile stays, however late the first request is sent again. */
  const set = async (ctx: InRoom, command: RoomCommand): Promise<void> => {
    const done = await writtenBefore(platform, ctx, room, roomKey(ctx.params.roomId));
    await (done === null ? run(ctx, command) : ctx.settle(done, GROUP_READS));
  };
  const idempotent = { idempotent: true };

  handle(
    app,
    platform,
    renameRoom,
    (ctx) => set(ctx, { type: 'RenameRoom', roomId: ctx.params.roomId, by: ctx.actor.userId, name: ctx.body.roomName }),
    idempotent,
  );
  handle(
    app,
    platform,
    setMemberRole,
    (ctx) => set(ctx, { type: 'SetMemberRole', by: ctx.actor.userId, ...ctx.params, role: ctx.body.role }),
    idempotent,
  );
  handle(app, platform, removeMember, (ctx) => set(ctx, { type: 'RemoveMember', by: ctx.actor.userId, ...ctx.params }), idempotent);
};
