/** What someone was told, as the feed's tables have it: the very events of the live stream, under the same ids. */
import type { LiveCursor, LiveEvent } from '@tidings/contracts/http/live';
import type { UserId } from '@tidings/contracts/ids';
import { START, type Position } from '@tidings/contracts/ports/event-log';
import { toldOf } from '@tidings/projections/feed/hidden';
import { entriesFor, newest } from '@tidings/projections/feed/queries';
import type { Platform } from '../../../platform/src/platform.ts';

/** How long a reader waits for the feed to reach the log's head; then they are told what there is. */
const FEED_BUDGET_MS = 500;

export interface ToldEvent {
  readonly at: LiveCursor;
  readonly event: LiveEvent;
}

export interface ToldPage {
  readonly events: readonly ToldEvent[];
  /** From where to read on; null when that was all. */
  readonly next: LiveCursor | null;
}

/** The log's head, of the one shard that a feed is in the order of. */
export const headOf = ({ log }: Platform): Promise<Position> => log.head(log.shards[0] ?? 0);

/** Up to where the feed is complete: `head`, unless it is held up. */
export const completeTo = async (platform: Platform, head: Position): Promise<Position> => {
  if (await platform.freshness.waitFor(head, ['feed'], FEED_BUDGET_MS)) return head;
  return (await platform.read.maybeOne(newest(platform.liveSchema('feed'))))?.position ?? START;
};

/** What `user` was told behind `after`, up to and including `upTo`. */
export const toldTo = async (platform: Platform, user: UserId, after: LiveCursor, upTo: Position, limit: number): Promise<ToldPage> => {
  const found = await platform.read.any(entriesFor(platform.liveSchema('feed'), user, after, upTo, limit));
  const last = found.at(-1);
  return {
    events: found.flatMap((entry) => {
      const payload = toldOf(entry);
      return payload === null ? [] : [{ at: entry, event: JSON.parse(payload) as LiveEvent }]; // rendered by the feed
    }),
    next: last === undefined || found.length < limit ? null : last,
  };
};
