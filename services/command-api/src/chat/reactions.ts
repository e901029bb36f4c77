/** Reactions to messages: whoever sees a message may react to it. */
import { addReaction, removeReaction } from '@tidings/contracts/http/messages';
import type { MessageId, RoomId } from '@tidings/contracts/ids';
import { reaction, type ReactionCommand, reactionKey } from '@tidings/domain/reaction/index';
import type { FastifyInstance } from 'fastify';
import type { Ctx } from '../../../http-kit/src/ctx.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { messageFor, standingIn } from './standing.ts';

type ToMessage = Ctx<{ readonly roomId: RoomId; readonly messageId: MessageId; readonly emoji: string }>;

export const registerReactions = (app: FastifyInstance, platform: Platform): void => {
  const react =
    (type: ReactionCommand['type']) =>
    async ({ actor, params, context, settle }: Pick<ToMessage, 'actor' | 'params' | 'context' | 'settle'>): Promise<void> => {
      const { roomId, messageId, emoji } = params;
      const { userId } = actor;
      const standing = await standingIn(platform, roomId, userId);
      const found = standing.isMember ? await messageFor(platform, standing, roomId, messageId, userId) : null;
      const { position } = orReject(
        await platform.commands.transact(
          reaction,
          reactionKey(roomId, messageId, userId),
          {
            ...{ type, roomId, messageId, userId, emoji },
            isMember: standing.isMember,
            messageExists: found !== null && !found.isDeleted,
            isBlocked: standing.isBlocked,
          },
          context,
        ),
      );
      await settle(position, ['timeline']);
    };

  handle(app, platform, addReaction, react('AddReaction'));
  handle(app, platform, removeReaction, react('RemoveReaction'));
};
