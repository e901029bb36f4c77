/** `GET …/messages/{messageId}/receipts`: whom a message has reached, and who has read it. */
import { getReceipts, type Receipt } from '@tidings/contracts/http/receipts';
import { readMembers } from '@tidings/projections/chat-view/reading';
import { deliveredIn } from '@tidings/projections/read-states/index';
import type { FastifyInstance } from 'fastify';
import { handle } from '../../../http-kit/src/handle.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { entryFor, readerOf } from './reader.ts';

export const registerReceipts = (app: FastifyInstance, platform: Platform): void => {
  handle(
    app,
    platform,
    getReceipts,
    async ({ actor, params: { roomId, messageId } }) => {
      const reader = await readerOf(platform, roomId, actor.userId);
      const [{ seq, senderId }, members, delivered] = await Promise.all([
        entryFor(platform, reader, roomId, messageId),
        readMembers(platform, actor.userId, roomId),
        platform.read.any(deliveredIn(platform.liveSchema('read-states'), roomId)),
      ]);
      const others = members.filter(
        ({ view, visibleAfter }) => view.membershipStatus === 'Joined' && view.id !== senderId && visibleAfter < seq,
      );
      const readBy = others.flatMap(({ view, mark }): readonly Receipt[] =>
        mark !== null && mark.seq >= seq ? [{ userId: view.id, at: mark.readAt }] : [],
      );
      const readAt = new Map(readBy.map(({ userId, at }) => [userId, at]));
      const deliveredAt = new Map(delivered.flatMap((mark) => (mark.seq >= seq ? [[mark.userId, mark.deliveredAt] as const] : [])));
      const deliveredTo = others.flatMap(({ view: { id } }): readonly Receipt[] => {
        const [at] = [readAt.get(id), deliveredAt.get(id)].filter((time) => time !== undefined).toSorted(); // times sort as text
        return at === undefined ? [] : [{ userId: id, at }];
      });
      return { deliveredTo, readBy };
    },
    { reads: ['timeline', 'relationships', 'rooms', 'users', 'read-states'] },
  );
};
