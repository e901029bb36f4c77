/** Users whom a back end provides, changes and erases. The decision says whose word counts, the back end's or the identity provider's. */
import { eraseUser, upsertUser } from '@tidings/contracts/http/admin';
import { user, userKey } from '@tidings/domain/user/index';
import { userView } from '@tidings/projections/chat-view/index';
import { usersById } from '@tidings/projections/users/index';
import type { FastifyInstance } from 'fastify';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { openOwnMailbox } from '../../../http-kit/src/provisioning.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import { assertService } from '../../../http-kit/src/service-actor.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { besides } from '../chat/context.ts';
import { erase } from './erasure.ts';

const READS = ['users', 'mailboxes'];
/** Where something of theirs stood. */
const ERASED_FROM = [
  ...['users', 'relationships', 'rooms', 'timeline', 'read-states', 'message-search', 'media', 'feed', 'mailboxes'],
  ...['push-subscriptions', 'reports'],
];
/** 403 would be about the caller's own account. */
const OF_ANOTHER = { UserErased: 'CONFLICT' } as const;

export const registerUsers = (app: FastifyInstance, platform: Platform): void => {
  handle(app, platform, upsertUser, async ({ actor, params: { userId }, body, context, traceId, settle }) => {
    assertService(actor);
    const { displayName, email = null, description = null, profilePicture = null, role = 'USER' } = body;
    const key = userKey(userId);
    const provided = orReject(
      await platform.commands.transact(
        user,
        key,
        { type: 'ProvideUser', userId, displayName, email, description, profilePicture, role },
        context,
      ),
      OF_ANOTHER,
    );
    const { email: _email, ...said } = body;
    const { position } =
      provided.events.length > 0
        ? provided
        : orReject(
            await platform.commands.transact(user, key, { type: 'ChangeProfile', userId, ...said }, besides(context, 'change')),
            OF_ANOTHER,
          );
    const opened = await openOwnMailbox(platform, { userId, displayName, email }, traceId);
    await settle(opened.position > position ? opened.position : position, READS);
    const [shown] = await platform.read.any(usersById(platform.liveSchema('users'), [userId]));
    if (shown === undefined) throw new ApiError('CONTENT_NOT_FOUND', 'The user was erased as they were made.');
    return userView(shown);
  });

  handle(app, platform, eraseUser, async ({ actor, params: { userId }, context, settle }) => {
    assertService(actor);
    const position = await erase(platform, { userId, by: actor.userId, context });
    await settle(position, ERASED_FROM);
  });
};
