/** One message and what hangs on it: reactions, its thread, and the pins of a room. */
import { getMessage, getMessageThread, listPins, listReactions, THREAD_PAGE } from '@tidings/contracts/http/messages';
import { readMessages } from '@tidings/projections/chat-view/reading';
import { pinnedEntries, reactionsTo, threadPage } from '@tidings/projections/timeline/index';
import type { FastifyInstance } from 'fastify';
import { handle } from '../../../http-kit/src/handle.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { entryFor, MESSAGE_READS, readerOf, shownTo } from './reader.ts';

export const registerMessages = (app: FastifyInstance, platform: Platform): void => {
  const reads = { reads: MESSAGE_READS };
  const schema = (): string => platform.liveSchema('timeline');

  handle(
    app,
    platform,
    getMessage,
    async ({ actor, params: { roomId, messageId } }) => {
      const reader = await readerOf(platform, roomId, actor.userId);
      return shownTo(platform, reader, await entryFor(platform, reader, roomId, messageId));
    },
    reads,
  );

  handle(
    app,
    platform,
    listReactions,
    async ({ actor, params: { roomId, messageId } }) => {
      const reader = await readerOf(platform, roomId, actor.userId);
      const { deleted, senderId } = await entryFor(platform, reader, roomId, messageId);
      return deleted || reader.hidden.has(senderId) ? [] : platform.read.any(reactionsTo(schema(), messageId, [...reader.hidden]));
    },
    reads,
  );

  handle(
    app,
    platform,
    getMessageThread,
    async ({ actor, params: { roomId, messageId }, query: { before, limit = THREAD_PAGE } }) => {
      const reader = await readerOf(platform, roomId, actor.userId);
      await entryFor(platform, reader, roomId, messageId);
      const place = before === undefined ? null : (await entryFor(platform, reader, roomId, before)).seq;
      const found = await platform.read.any(threadPage(schema(), messageId, reader.visibleAfter, place, limit));
      return readMessages(platform, found, reader.hidden);
    },
    reads,
  );

  handle(
    app,
    platform,
    listPins,
    async ({ actor, params: { roomId } }) => {
      const reader = await readerOf(platform, roomId, actor.userId);
      return readMessages(platform, await platform.read.any(pinnedEntries(schema(), roomId, reader.visibleAfter)), reader.hidden);
    },
    reads,
  );
};
