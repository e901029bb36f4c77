/** `POST /api/rooms/{roomId}/typing`: whispered to the nodes, and to no log. */
import { formatWhisper } from '@tidings/contracts/ephemeral';
import { setTyping } from '@tidings/contracts/http/presence';
import { isMember, room, roomKey } from '@tidings/domain/room/index';
import { othersBy } from '@tidings/projections/relationships/index';
import type { FastifyInstance } from 'fastify';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import type { Platform } from '../../../platform/src/platform.ts';

export const registerTyping = (app: FastifyInstance, platform: Platform): void => {
  handle(app, platform, setTyping, async ({ actor: { userId }, params: { roomId }, body: { typing } }) => {
    const { state } = await platform.commands.load(room, roomKey(roomId));
    if (!isMember(state, userId)) throw new ApiError('INSUFFICIENT_PERMISSIONS', 'You are not a member of this room.');
    const schema = platform.liveSchema('relationships');
    const [blocked, blocking] = await Promise.all([
      platform.read.any(othersBy(schema, userId, 'CLIENT_BLOCKED')),
      platform.read.any(othersBy(schema, userId, 'CLIENT_GOT_BLOCKED')),
    ]);
    const hideFrom = [...blocked, ...blocking].map(({ otherId }) => otherId).filter((other) => isMember(state, other));
    const whisper = formatWhisper({ type: 'typing', roomId, userId, typing, hideFrom });
    // With too many to hide it from it is said to nobody.
    if (whisper !== null) platform.signals.publish('ephemeral', whisper, `typing ${roomId} ${userId}`);
  });
};
