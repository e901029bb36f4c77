/** `GET /api/messages/search`: found by the search, shown by the timeline. */
import { int } from '@tidings/contracts/codec';
import type { Page } from '@tidings/contracts/http/chat-objects';
import { type FoundMessage, SEARCH_PAGE, searchMessages } from '@tidings/contracts/http/search';
import { RoomId, type UserId } from '@tidings/contracts/ids';
import type { MessageHit, SearchQuery } from '@tidings/contracts/ports/message-search';
import { Timestamp } from '@tidings/contracts/time';
import { readMessages } from '@tidings/projections/chat-view/reading';
import { foundText, parseQuery, snippetOf } from '@tidings/projections/message-search/index';
import { othersBy } from '@tidings/projections/relationships/index';
import { membership } from '@tidings/projections/rooms/index';
import { entriesById } from '@tidings/projections/timeline/index';
import type { FastifyInstance } from 'fastify';
import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import { ApiError, invalid } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { messageSearchOf } from '../../../platform/src/searches.ts';
import { decodeCursor, pageOfFound } from './cursor.ts';

const SearchCursor = t.readonly(t.type({ lastSeenAt: Timestamp, lastSeenRoom: RoomId, lastSeenSeq: int(1) }));

export const registerSearch = (app: FastifyInstance, platform: Platform): void => {
  const search = messageSearchOf(platform);

  handle(
    app,
    platform,
    searchMessages,
    async ({ actor, query: { q, roomId, from, before, cursor, limit = SEARCH_PAGE } }) => {
      const query = queryOf(q);
      const place = decodeCursor(SearchCursor, cursor);
      if (roomId !== undefined) await requireMember(platform, actor.userId, roomId);
      const blocked = await platform.read.any(othersBy(platform.liveSchema('relationships'), actor.userId, 'CLIENT_BLOCKED'));
      const notFrom = blocked.map(({ otherId }) => otherId);
      const found = await search.find({
        query,
        searcher: actor.userId,
        room: roomId ?? null,
        from: from ?? null,
        notFrom,
        before: before ?? null,
        after: place === null ? null : { createdAt: place.lastSeenAt, roomId: place.lastSeenRoom, seq: place.lastSeenSeq },
        limit: limit + 1,
      });
      return shown(platform, query, new Set(notFrom), found, limit);
    },
    { reads: ['message-search', 'rooms', 'relationships', 'timeline'] },
  );
};

/** @throws ApiError 400 that names the rule */
const queryOf = (typed: string): SearchQuery =>
  E.getOrElseW((rule: string): never => {
    throw invalid([{ path: 'q', message: rule }]);
  })(parseQuery(typed));

/** @throws ApiError 403 for a room the caller is not in, or that is none */
const requireMember = async (platform: Platform, caller: UserId, room: RoomId): Promise<void> => {
  if ((await platform.read.maybeOne(membership(platform.liveSchema('rooms'), room, caller))) === null) {
    throw new ApiError('INSUFFICIENT_PERMISSIONS', 'You are not a member of this room.');
  }
};

/** What is gone from the timeline by now (or not there yet) is left out; the next page begins where it should all the same. */
const shown = async (
  platform: Platform,
  query: SearchQuery,
  blocked: ReadonlySet<UserId>,
  found: readonly MessageHit[],
  limit: number,
): Promise<Page<FoundMessage>> => {
  const ids = found.slice(0, limit).map(({ messageId }) => messageId);
  const entries = ids.length === 0 ? [] : await platform.read.any(entriesById(platform.liveSchema('timeline'), ids));
  const there = entries.filter(({ deleted, erased }) => !deleted && !erased);
  const messages = await readMessages(platform, there, blocked); // a quote may be of one of them
  const messageOf = new Map(messages.map((message) => [message.messageId, message]));
  const content = ids.flatMap((id): readonly FoundMessage[] => {
    const message = messageOf.get(id);
    return message === undefined ? [] : [{ roomId: message.chatRoomId, message, snippet: snippetOf(foundText(message.msgBody), query) }];
  });
  return pageOfFound(found, limit, cursorOf, content);
};

const cursorOf = ({ createdAt, roomId, seq }: MessageHit): t.TypeOf<typeof SearchCursor> => ({
  lastSeenAt: createdAt,
  lastSeenRoom: roomId,
  lastSeenSeq: seq,
});
