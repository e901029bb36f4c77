/** `GET /api/rooms/{roomId}/timeline`: pages of a room, newest first. */
import { getTimeline, TIMELINE_PAGE } from '@tidings/contracts/http/chat';
import type { MessageId } from '@tidings/contracts/ids';
import { type Timestamp, timestamp } from '@tidings/contracts/time';
import { readMessages } from '@tidings/projections/chat-view/reading';
import { entriesById, page, type PageStart } from '@tidings/projections/timeline/index';
import type { FastifyInstance } from 'fastify';
import { invalid } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { assertSeen, MESSAGE_READS, readerOf } from './reader.ts';

export const registerTimeline = (app: FastifyInstance, platform: Platform): void => {
  handle(
    app,
    platform,
    getTimeline,
    async ({ actor, params: { roomId }, query }) => {
      const { start, beside } = askedFor(query);
      const schema = platform.liveSchema('timeline');
      // At once: a page is of what its reader may see, and nothing for whoever may not.
      const [reader, [place], found] = await Promise.all([
        readerOf(platform, roomId, actor.userId),
        beside === null ? [] : platform.read.any(entriesById(schema, [beside])),
        platform.read.any(page(schema, roomId, actor.userId, start, query.limit ?? TIMELINE_PAGE)),
      ]);
      if (beside !== null) assertSeen(reader, roomId, place);
      return readMessages(platform, found, reader.hidden);
    },
    { reads: MESSAGE_READS },
  );
};

/** Later than any entry. */
const END_OF_TIME = timestamp(Date.UTC(9999, 11, 31));

interface Asked {
  readonly limit?: number | undefined;
  readonly timestamp?: Timestamp | undefined;
  readonly before?: MessageId | undefined;
  readonly after?: MessageId | undefined;
}
interface Start {
  readonly start: PageStart;
  /** The entry that the page is beside; null when it begins elsewhere. */
  readonly beside: MessageId | null;
}

/** @throws ApiError 400 when the page has more than one beginning */
const askedFor = ({ limit, timestamp: earlierThan, before, after }: Asked): Start => {
  if ([earlierThan, before, after].filter((one) => one !== undefined).length > 1) {
    throw invalid([{ path: 'timestamp', message: 'cannot be combined: give one of timestamp, before and after' }]);
  }
  if (before !== undefined) return { start: { type: 'before', place: before }, beside: before };
  if (after !== undefined) return { start: { type: 'after', place: after }, beside: after };
  // Who asks for no size goes on by time, as ISM's clients do; so the first page too has all of its last instant.
  const isNewest = earlierThan === undefined && limit !== undefined;
  return { start: isNewest ? { type: 'newest' } : { type: 'earlierThan', at: earlierThan ?? END_OF_TIME }, beside: null };
};
