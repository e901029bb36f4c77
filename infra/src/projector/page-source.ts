/**
 * Pages of one shard for every projection of this process. Near the head all share one tail of the log: each page is read, opened and
 * decoded once and kept in a short ring. Whoever is further behind than the ring reads pages of its own until it meets it.
 */
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { Recorded } from '@tidings/contracts/events/index';
import type { EventLog, LoggedEvent, LogPage, Position } from '@tidings/contracts/ports/event-log';
import type { Logger } from 'pino';
import type { EventStore } from '../event-store/event-store.ts';
import { backoff } from './backoff.ts';

export interface Fault {
  readonly event: LoggedEvent;
  readonly reason: string;
}

/** Events behind some position, up to and including `next`. */
export interface SourcePage {
  readonly events: readonly Recorded[];
  readonly faults: readonly Fault[];
  readonly next: Position;
}

export interface PageSource {
  readonly shard: number;
  /** Last position seen by the tail. */
  readonly head: Position;
  /** What the ring has behind `after`: about `limit` events at most; `empty` at the head, `behind` when it no longer reaches back. */
  take(after: Position, limit: number): SourcePage | 'empty' | 'behind';
  /** Whether the ring reaches back to `after`. */
  reaches(after: Position): boolean;
  /** A page of one's own from the log, only of these types. */
  read(after: Position, limit: number, types: readonly string[]): Promise<SourcePage>;
  /** Told at each page that comes in at the head. Returns the function that ends it. */
  onPage(listener: () => void): () => void;
  close(): Promise<void>;
}

interface RingPage extends SourcePage {
  readonly from: Position;
}

const RING_EVENTS = 2_000;
const TAIL_PAGE = 500;
/**
 * Behind a page of several events the next one comes no sooner than this: every projection pays a transaction per page, so under load a
 * few milliseconds of waiting make pages that are several times larger and the work as many times less. A lone event never waits.
 */
const PACE_MS = 20;
const paceBehind = (events: number): number => Math.min(Math.max(PACE_MS, PACE_PER_EVENT_MS * events), MOST_PACE_MS);
const PACE_PER_EVENT_MS = 2;
const MOST_PACE_MS = 50;
/** Events that a replay asks the log for at once. */
const SLICE = 1_000;
/**
 * Events opened without a pause. Whatever else the process does waits meanwhile: live projections, and Postgres, whose answers and whose
 * statements are megabytes that pass through sockets of 200 kB.
 */
const STRETCH = 200;

interface SourceDeps {
  readonly log: EventLog;
  readonly events: EventStore;
  readonly shard: number;
  readonly logger: Logger;
}

/** Opens the tail at the head the log has now. */
export const openPageSource = async (deps: SourceDeps): Promise<PageSource> => {
  const { log, events, shard, logger } = deps;
  const listeners = new Set<() => void>();
  const stop = new AbortController();
  let ring: RingPage[] = [];
  let kept = 0;
  let start = await log.head(shard);
  let head = start;

  const push = (page: RingPage): void => {
    ring.push(page);
    kept += page.events.length;
    while (kept > RING_EVENTS && ring.length > 1) {
      const dropped = ring.shift();
      if (dropped === undefined) break;
      kept -= dropped.events.length;
      start = dropped.next;
    }
    head = page.next;
    for (const listener of listeners) listener();
  };

  const follow = async (): Promise<void> => {
    let failures = 0;
    while (!stop.signal.aborted) {
      try {
        for await (const page of log.tail(shard, head, { limit: TAIL_PAGE, signal: stop.signal })) {
          if (page.next === head) continue;
          const opened = await events.open(page.events);
          push({ from: head, next: page.next, events: opened.events, faults: opened.faults });
          failures = 0;
          if (opened.events.length > 1 && page.atHead)
            await delay(paceBehind(opened.events.length), undefined, { signal: stop.signal }).catch(() => undefined);
        }
      } catch (error) {
        if (stop.signal.aborted) return;
        failures += 1;
        logger.warn({ err: error, shard, head, failures }, 'the tail of the log broke; opening it again');
        await backoff(failures, stop.signal);
      }
    }
  };
  const following = follow();

  return {
    shard,
    get head() {
      return head;
    },
    take: (after, limit) => {
      if (after >= head) return 'empty';
      if (after < start) return 'behind';
      return merge(ring, after, limit);
    },
    reaches: (after) => after >= start,
    read: (after, limit, types) => readInSlices(deps, after, limit, types),
    onPage: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: async () => {
      stop.abort();
      await following;
      ring = [];
    },
  };
};

/** The ring's pages behind `after` as one, as long as they fit; the first is taken whatever its size. */
const merge = (ring: readonly RingPage[], after: Position, limit: number): SourcePage => {
  const first = ring.findIndex((page) => page.next > after);
  const pages = [ring[first] as RingPage]; // `after` lies between the ring's start and its end
  let count = pages[0]?.events.length ?? 0;
  for (const page of ring.slice(first + 1)) {
    count += page.events.length;
    if (count > limit) break;
    pages.push(page);
  }
  const whole = pages.length === 1 && pages[0] !== undefined ? pages[0] : join(pages);
  return whole.from >= after ? whole : cutFront(whole, after);
};

const join = (pages: readonly RingPage[]): RingPage => ({
  from: pages[0]?.from as Position, // never empty: see `merge`
  next: pages.at(-1)?.next as Position,
  events: pages.flatMap((page) => page.events),
  faults: pages.flatMap((page) => page.faults),
});

const cutFront = (page: RingPage, after: Position): RingPage => ({
  from: after,
  next: page.next,
  events: page.events.filter((event) => event.position > after),
  faults: page.faults.filter((fault) => fault.event.position > after),
});

/**
 * A page read and opened slice by slice: what the log gave of a slice is garbage before the next one is opened, where a page's worth would
 * be carried along by V8's collections. The next slice is on its way while one is being opened.
 */
const readInSlices = async (deps: SourceDeps, after: Position, limit: number, types: readonly string[]): Promise<SourcePage> => {
  const { log, events, shard } = deps;
  const readSlice = (from: Position): Promise<LogPage> => log.readAll(shard, from, Math.min(SLICE, limit), { types, withoutMeta: true });
  const opened: Recorded[] = [];
  const faults: Fault[] = [];
  let coming = readSlice(after);
  for (let slices = Math.ceil(limit / SLICE); ; slices -= 1) {
    const { events: logged, next, atHead } = await coming;
    const last = atHead || slices <= 1;
    if (!last) {
      coming = readSlice(next);
      coming.catch(() => undefined); // awaited in the next round, unless opening this slice fails
    }
    for (let at = 0; at < logged.length; at += STRETCH) {
      const stretch = await events.open(logged.slice(at, at + STRETCH));
      for (const event of stretch.events) opened.push(event);
      for (const fault of stretch.faults) faults.push(fault);
      await nextTurn();
    }
    if (last) return { events: opened, faults, next };
  }
};

/** The part of a page up to `at`. */
export const cutBack = (page: SourcePage, at: Position): SourcePage =>
  page.next <= at
    ? page
    : {
        next: at,
        events: page.events.filter((event) => event.position <= at),
        faults: page.faults.filter((fault) => fault.event.position <= at),
      };
