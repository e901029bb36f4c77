/** What becomes of a message: its author rewrites it, they or a moderator delete it. */
import { deleteMessage, editMessage } from '@tidings/contracts/http/messages';
import { message, messageKey } from '@tidings/domain/message/index';
import { mayIn, room, roomKey } from '@tidings/domain/room/index';
import { blockedBy, readMessages } from '@tidings/projections/chat-view/reading';
import type { FastifyInstance } from 'fastify';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { besides } from './context.ts';
import { createReadBack } from './read-back.ts';
import { standingIn, strangersTo } from './standing.ts';

/**
 * A message shows in its timeline, and in the list of rooms when it is the latest. The feed, because calls that are tried again later say what it
 * says: once a change has been answered, none of them carries the earlier wording.
 */
const MESSAGE_READS = ['timeline', 'rooms', 'feed'];

export const registerMessageChanges = (app: FastifyInstance, platform: Platform): void => {
  const readBack = createReadBack(platform);

  handle(app, platform, editMessage, async ({ actor, params: { roomId, messageId }, body, context, settle }) => {
    const by = actor.userId;
    const standing = await standingIn(platform, roomId, by);
    const { text, mentions = null } = body;
    const edited = orReject(
      await platform.commands.transact(
        message,
        messageKey(roomId, messageId),
        {
          ...{ type: 'EditMessage', roomId, messageId, by, text, mentions },
          notMembers: strangersTo(standing, mentions ?? []),
          isMember: standing.isMember,
          isBlocked: standing.isBlocked,
        },
        context,
      ),
    );
    await settle(edited.position, MESSAGE_READS);
    const [shown, blocked] = await Promise.all([readBack(messageId), blockedBy(platform, by)]);
    if (shown === undefined) return gone();
    const [own] = await readMessages(platform, [shown], blocked);
    return own ?? gone();
  });

  handle(app, platform, deleteMessage, async ({ actor, params: { roomId, messageId }, context, settle }) => {
    const by = actor.userId;
    const { state, isMember } = await standingIn(platform, roomId, by);
    const deleted = orReject(
      await platform.commands.transact(
        message,
        messageKey(roomId, messageId),
        { type: 'DeleteMessage', roomId, messageId, by, isMember, mayModerate: mayIn(state, by, 'moderate') },
        context,
      ),
    );
    // After a crash in between, deleting again takes it away.
    const unpinned = orReject(
      await platform.commands.transact(room, roomKey(roomId), { type: 'UnpinDeleted', roomId, by, messageId }, besides(context, 'unpin')),
    );
    await settle(unpinned.position > deleted.position ? unpinned.position : deleted.position, MESSAGE_READS);
  });
};

/** @throws ApiError 404 */
const gone = (): never => {
  throw new ApiError('CONTENT_NOT_FOUND', 'The room was closed as you wrote.');
};
