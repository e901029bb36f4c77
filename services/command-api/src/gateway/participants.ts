/** `POST /api/rooms/{roomId}/email-participants`: somebody who writes by mail joins a group. */
import { addEmailParticipant } from '@tidings/contracts/http/gateway';
import { conversationOf } from '@tidings/contracts/ids';
import { gateway, gatewayKey, mailPersonIdOf } from '@tidings/domain/gateway/index';
import { domainOf, type EmailAddress, normaliseAddress } from '@tidings/domain/mail/address';
import { isBlocked, relationship, relationshipKey } from '@tidings/domain/relationship/index';
import { isMember, room, roomKey } from '@tidings/domain/room/index';
import { user, userKey } from '@tidings/domain/user/index';
import type { FastifyInstance } from 'fastify';
import * as E from 'fp-ts/lib/Either.js';
import { invalid } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { besides } from '../chat/context.ts';

const READS = ['users', 'rooms', 'timeline'];

export const registerParticipants = (app: FastifyInstance, platform: Platform): void => {
  const { commands, config } = platform;

  handle(app, platform, addEmailParticipant, async ({ actor, params: { roomId }, body, context, settle }) => {
    const email = addressOf(body.email);
    const domain = domainOf(email);
    if (config.mailDomains.includes(domain) || domain === config.gateway.replyDomain) {
      throw invalid([{ path: 'email', message: 'must be somewhere else: who has an address here is invited as a user' }]);
    }
    const by = actor.userId;
    const { state } = await commands.load(room, roomKey(roomId));
    if (!isMember(state, by)) orReject(E.left({ type: 'NotAMember', userId: by } as const));
    const userId = mailPersonIdOf(email);
    const displayName = body.name?.trim() || email;
    const { state: between } = await commands.load(relationship, relationshipKey(by, userId));
    const person = orReject(
      await commands.transact(
        user,
        userKey(userId),
        { type: 'RegisterUser', userId, displayName, email, role: 'USER' },
        besides(context, 'register'),
      ),
      { UserErased: 'CONFLICT' },
    );
    // Before they are a member, so that whatever is said from then on finds their address.
    const conversationId = conversationOf(roomId);
    orReject(
      await commands.transact(
        gateway,
        gatewayKey(conversationId),
        { type: 'IssueReplyAddress', conversationId, userId, address: email, outsider: true },
        besides(context, 'reply address'),
      ),
    );
    const joined = await commands.transact(
      room,
      roomKey(roomId),
      { type: 'InviteToRoom', roomId, by, userId, blocked: isBlocked(between) },
      context,
    );
    // Asking twice changes nothing: they are in it, which is what was asked for.
    const isIn = E.isLeft(joined) && joined.left.type === 'AlreadyMember';
    const { position } = isIn ? person : orReject(joined);
    await settle(position, READS);
    const shown = person.state.kind === 'registered' ? person.state.profile.displayName : displayName;
    return { userId, email, displayName: typeof shown === 'string' ? shown : displayName };
  });
};

const addressOf = (written: string): EmailAddress => {
  const normal = normaliseAddress(written.trim());
  if (E.isLeft(normal)) throw invalid([{ path: 'email', message: 'must be an email address such as grace@example.org' }]);
  return normal.right;
};
