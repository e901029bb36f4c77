/** `GET /api/rooms/{roomId}/timeline`: pages of a room, newest first. */
import { getTimeline, TIMELINE_PAGE } from '@tidings/contracts/http/chat';
import type { MessageId, RoomId } from '@tidings/contracts/ids';
import { type Timestamp, timestamp } from '@tidings/contracts/time';
import { page, type PageStart } from '@tidings/projections/timeline/index';
import type { FastifyInstance } from 'fastify';
import { invalid } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { entryFor, MESSAGE_READS, type Reader, readerOf } from './reader.ts';

export const registerTimeline = (app: FastifyInstance, platform: Platform): void => {
  handle(
    app,
    platform,
    getTimeline,
    async ({ actor, params: { roomId }, query }) => {
      const asked = askedFor(query);
      const schema = platform.liveSchema('timeline');
      const seen = await readerOf(platform, roomId, actor.userId);
      const start = asked.type === 'beside' ? await placeOf(platform, seen, roomId, asked) : asked;
      const found = await platform.read.any(page(schema, roomId, seen.visibleAfter, start, query.limit ?? TIMELINE_PAGE));
      return found.map(seen.shown);
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
interface Beside {
  readonly type: 'beside';
  readonly direction: 'before' | 'after';
  readonly message: MessageId;
}

/** @throws ApiError 400 when the page has more than one beginning */
const askedFor = ({ limit, timestamp: earlierThan, before, after }: Asked): Beside | PageStart => {
  if ([earlierThan, before, after].filter((one) => one !== undefined).length > 1) {
    throw invalid([{ path: 'timestamp', message: 'cannot be combined: give one of timestamp, before and after' }]);
  }
  if (before !== undefined) return { type: 'beside', direction: 'before', message: before };
  if (after !== undefined) return { type: 'beside', direction: 'after', message: after };
  // Who asks for no size goes on by time, as ISM's clients do; so the first page too has all of its last instant.
  return earlierThan === undefined && limit !== undefined ? { type: 'newest' } : { type: 'earlierThan', at: earlierThan ?? END_OF_TIME };
};

const placeOf = async (platform: Platform, reader: Reader, roomId: RoomId, { direction, message }: Beside): Promise<PageStart> => {
  const { seq } = await entryFor(platform, reader, roomId, message);
  return { type: direction, seq };
};
