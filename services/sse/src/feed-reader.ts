/** What the live stream asks of the read side: the feed's live instance, and how far the log is. */
import { afterPosition, type LiveCursor } from '@tidings/contracts/http/live';
import type { UserId } from '@tidings/contracts/ids';
import { START, type Position } from '@tidings/contracts/ports/event-log';
import { entriesFor, horizon, membershipsAt, newest, rowsAfter, type FeedEntry, type FeedRow } from '@tidings/projections/feed/queries';
import type { Platform } from '../../platform/src/platform.ts';
import type { Known } from './ahead.ts';
import { Gather } from './gather.ts';

/** Each method throws what slonik or the log throws when Postgres cannot be reached. */
export interface FeedReader {
  /** All audiences' rows behind `after`, at most `limit`. */
  readonly rowsAfter: (after: LiveCursor, limit: number) => Promise<readonly FeedRow[]>;
  /** What one user may see behind `after`, up to and including `upTo`. */
  readonly entriesFor: (user: UserId, after: LiveCursor, upTo: Position, limit: number) => Promise<readonly FeedEntry[]>;
  /** The audiences a user belongs to at a place, their own not among them. */
  readonly audiencesOf: (user: UserId, at: LiveCursor) => Promise<readonly string[]>;
  /** Behind the newest row. */
  readonly end: () => Promise<LiveCursor>;
  /** Entries up to here are no longer kept. */
  readonly horizon: () => Promise<Position>;
  /** The log's last position; the feed may be a little behind it. */
  readonly logHead: () => Promise<Position>;
  /** Every event behind `after`, at most `limit`. */
  readonly logAfter: (after: Position, limit: number) => Promise<readonly Known[]>;
  /** Whether the feed's tables are complete up to `position`, waiting for that at most `budgetMs`. */
  readonly reached: (position: Position, budgetMs: number) => Promise<boolean>;
  /** Names the instance that is read. */
  readonly instance: () => string;
}

type Sources = Pick<Platform, 'read' | 'liveSchema' | 'log' | 'events' | 'freshness'>;

export const feedReader = ({ read, liveSchema, log, events, freshness }: Sources): FeedReader => {
  const schema = (): string => liveSchema('feed');
  // A feed is in the order of one shard; positions of several cannot be compared. More shards would need an id per shard in each event id.
  const shard = log.shards[0] ?? 0;
  const horizons = new Gather<null, Position>(async (asks) => {
    const found = await read.maybeOne(horizon(schema()));
    return asks.map(() => found?.position ?? START);
  });
  const heads = new Gather<null, Position>(async (asks) => {
    const head = await log.head(shard);
    return asks.map(() => head);
  });
  const audiences = new Gather<{ readonly user: UserId; readonly at: LiveCursor }, readonly string[]>(async (asks) => {
    const found = await read.any(membershipsAt(schema(), asks));
    const of = Map.groupBy(found, (row) => row.ask);
    return asks.map((_, ask) => (of.get(ask) ?? []).map((row) => row.audience));
  });
  return {
    rowsAfter: (after, limit) => read.any(rowsAfter(schema(), after, limit)),
    entriesFor: (user, after, upTo, limit) => read.any(entriesFor(schema(), user, after, upTo, limit)),
    audiencesOf: (user, at) => audiences.ask({ user, at }),
    end: async () => afterPosition((await read.maybeOne(newest(schema())))?.position ?? START),
    horizon: () => horizons.ask(null),
    logHead: () => heads.ask(null),
    logAfter: async (after, limit) => {
      const page = await log.readAll(shard, after, limit);
      const opened = new Map((await events.open(page.events)).events.map((event) => [event.position, event]));
      return page.events.map(({ position }) => ({ position, event: opened.get(position) ?? null }));
    },
    reached: (position, budgetMs) => freshness.waitFor(position, ['feed'], budgetMs),
    instance: schema,
  };
};
