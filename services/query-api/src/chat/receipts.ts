/** `GET …/messages/{messageId}/receipts`: whom a message has reached, and who has read it. */
import { getReceipts, type Receipt } from '@tidings/contracts/http/receipts';
import { readMembers } from '@tidings/projections/chat-view/reading';
import { receiptsOf } from '@tidings/projections/read-states/index';
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
      const [{ seq, senderId }, members] = await Promise.all([
        entryFor(platform, reader, roomId, messageId),
        readMembers(platform, actor.userId, roomId),
      ]);
      const others = members.filter(
        ({ view, visibleAfter }) => view.membershipStatus === 'Joined' && view.id !== senderId && visibleAfter < seq,
      );
      const ids = others.map(({ view }) => view.id);
      const given = await platform.read.any(receiptsOf(platform.liveSchema('read-states'), roomId, seq, ids));
      const at = new Map(given.map((receipt) => [`${receipt.kind} ${receipt.userId}`, receipt.at]));
      const readBy: Receipt[] = [];
      const deliveredTo: Receipt[] = [];
      for (const { view, mark } of others) {
        const hasRead = mark !== null && mark.seq >= seq; // by writing, perhaps
        const readAt = at.get(`read ${view.id}`) ?? (hasRead ? mark.readAt : undefined);
        if (readAt !== undefined) readBy.push({ userId: view.id, at: readAt });
        const [deliveredAt] = [readAt, at.get(`delivered ${view.id}`)].filter((time) => time !== undefined).toSorted(); // times sort as text
        if (deliveredAt !== undefined) deliveredTo.push({ userId: view.id, at: deliveredAt });
      }
      return { deliveredTo, readBy };
    },
    { reads: ['timeline', 'relationships', 'rooms', 'users', 'read-states'] },
  );
};
