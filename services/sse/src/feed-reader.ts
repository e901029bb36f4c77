/** What the live stream asks of the read side: the feed's live instance, and how far the log is. */
import { afterPosition, type LiveCursor } from '@tidings/contracts/http/live';
import type { UserId } from '@tidings/contracts/ids';
import { START, type Position } from '@tidings/contracts/ports/event-log';
import { toldOf } from '@tidings/projections/feed/hidden';
import {
  entriesForAll,
  horizon,
  membershipsAt,
  newest,
  rowsAfter,
  type EntriesAsk,
  type FeedEntry,
  type FeedRow,
} from '@tidings/projections/feed/queries';
import type { Platform } from '../../platform/src/platform.ts';
import type { Known } from './ahead.ts';
import { Gather } from './gather.ts';

/** An entry as one user is told it. */
export interface Told extends LiveCursor {
  readonly payload: string;
}

/** What there is for one user behind a place, and from where to read on; `next` is null when that was all. */
export interface ToldPage {
  readonly entries: readonly Told[];
  readonly next: LiveCursor | null;
}

/** What a user may hear. */
export interface Hearing {
  /** Their own not among them. */
  readonly audiences: readonly string[];
  /** Whom they block. */
  readonly blocked: readonly UserId[];
}

/** Each method throws what slonik or the log throws when Postgres cannot be reached. */
export interface FeedReader {
  /** All audiences' rows behind `after`, at most `limit`. */
  readonly rowsAfter: (after: LiveCursor, limit: number) => Promise<readonly FeedRow[]>;
  /** What one user may see behind `after`, up to and including `upTo`. */
  readonly entriesFor: (user: UserId, after: LiveCursor, upTo: Position, limit: number) => Promise<ToldPage>;
  /** What a user may hear at a place. */
  readonly hearingOf: (user: UserId, at: LiveCursor) => Promise<Hearing>;
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

type Sources = Pick<Platform, 'read' | 'often' | 'liveSchema' | 'log' | 'events' | 'freshness'>;

/** So many clients are caught up by one query; with a full page each it is some megabytes. */
const PAGES_AT_ONCE = 32;

const toldPage = (found: readonly FeedEntry[], limit: number): ToldPage => {
  const last = found.at(-1);
  return {
    entries: found.flatMap((entry) => {
      const payload = toldOf(entry);
      return payload === null ? [] : [{ position: entry.position, index: entry.index, payload }];
    }),
    next: last === undefined || found.length < limit ? null : { position: last.position, index: last.index },
  };
};

export const feedReader = ({ read, often, liveSchema, log, events, freshness }: Sources): FeedReader => {
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
  const hearings = new Gather<{ readonly user: UserId; readonly at: LiveCursor }, Hearing>(async (asks) => {
    const found = await read.any(membershipsAt(schema(), asks));
    const of = Map.groupBy(found, (row) => row.ask);
    return asks.map((_, ask) => {
      const mine = of.get(ask) ?? [];
      return {
        audiences: mine.flatMap((row) => (row.blocked === null ? [row.audience] : [])),
        blocked: mine.flatMap((row) => row.blocked ?? []),
      };
    });
  });
  const pages = new Gather<EntriesAsk & { readonly limit: number }, ToldPage>(async (asks) => {
    const limit = Math.max(...asks.map((ask) => ask.limit)); // all ask for the same
    const found = Map.groupBy(await read.any(entriesForAll(schema(), asks, limit)), (entry) => entry.ask);
    return asks.map((_, ask) => toldPage(found.get(ask) ?? [], limit));
  }, PAGES_AT_ONCE);
  return {
    rowsAfter: (after, limit) => often.any(rowsAfter(schema(), after, limit)),
    entriesFor: (user, after, upTo, limit) => pages.ask({ user, after, upTo, limit }),
    hearingOf: (user, at) => hearings.ask({ user, at }),
    end: async () => afterPosition((await often.maybeOne(newest(schema())))?.position ?? START),
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
