/** The log on KurrentDB: one shard, `$all`, read by pages. Positions have gaps, so there are no distances between them (docs/decisions/051). */
import { setTimeout as delay } from 'node:timers/promises';
import type { EventStoreDBClient, ResolvedEvent } from '@eventstore/db-client';
import {
  type EventLog,
  type LoggedEvent,
  type LogPage,
  LogUnavailable,
  type Position,
  type ReadFilter,
  START,
} from '@tidings/contracts/ports/event-log';
import type { Logger } from 'pino';
import { admit } from '../limits.ts';
import { tailBy } from '../tail.ts';
import { createAppender } from './appender.ts';
import { watchHead } from './head-watch.ts';
import { assertInUse, createMarkers, LOOK_MS, type Markers } from './markers.ts';
import { createPlaces, type Places } from './places.ts';
import { isBehind } from './positions.ts';
import { recordedIn } from './records.ts';
import { readAllPage, readStreamPage, unavailable } from './session.ts';
import { sharedClient } from './shared-client.ts';

export interface KurrentLogOptions {
  /** `esdb://…` or `kurrentdb://…`, with `+discover` for a cluster. */
  readonly url: string;
  readonly logger?: Logger;
  /** Appends that may be under way at once before `Overloaded`; default 10,000. */
  readonly queueLimit?: number;
  /** How long one question may take (default 5 s), and an append with all its tries (30 s). */
  readonly tryMs?: number;
  readonly deadlineMs?: number;
  /** How often the end is looked at while somebody waits there; default 1 s. */
  readonly pollMs?: number;
  /** How often it is looked whether the log is being moved away; default 1 s. */
  readonly lookMs?: number;
}

/** For a mover: the log whatever its state, and what the adapter knows of it. */
export interface KurrentParts {
  readonly log: EventLog;
  readonly client: EventStoreDBClient;
  readonly markers: Markers;
  readonly places: Places;
}

/** Records asked for at once when single ones are looked up. */
const LOOKUPS = 16;
/** Statistics of the server may stand behind our last event. */
const BACKWARDS = 50;
/** Between a landmark and what was copied behind it. */
const SCANNED = 500;
const RETRY_MS = { first: 100, most: 5_000 } as const;

/** @throws LogUnavailable when it does not answer; LogNotInUse when the log is elsewhere */
export const openKurrentLog = async (options: KurrentLogOptions): Promise<EventLog> => {
  const { log, markers } = await openKurrentParts(options);
  try {
    assertInUse(markers);
    return log;
  } catch (error) {
    await log.close();
    throw error;
  }
};

/** @throws LogUnavailable when it does not answer */
export const openKurrentParts = async (options: KurrentLogOptions): Promise<KurrentParts> => {
  const { url, logger, queueLimit = 10_000, tryMs = 5_000, deadlineMs = 30_000, pollMs = 1_000, lookMs = LOOK_MS } = options;
  const { client, release } = sharedClient(url);
  const closing = new AbortController();
  const markers = createMarkers(client, tryMs);
  const places = createPlaces(client, markers, tryMs);
  const ask = <A>(asked: Promise<A>): Promise<A> => asked.catch((error: unknown) => Promise.reject(unavailable(error)));

  const only = (shard: number): void => {
    if (shard !== 0) throw new RangeError(`there is no shard ${shard}`);
  };

  /** What counts of these, in their order. */
  const loggedOf = (page: readonly ResolvedEvent[]): readonly LoggedEvent[] => {
    for (const resolved of page) markers.learn(resolved);
    return page.flatMap((resolved) => {
      const recorded = recordedIn(resolved);
      return recorded === null ? [] : (places.logged(recorded) ?? []);
    });
  };

  const head = async (): Promise<Position> => {
    for (let limit = BACKWARDS; ; limit *= 4) {
      const page = await ask(readAllPage(client, { from: 'end', limit, ms: tryMs }));
      const last = loggedOf(page.toReversed()).at(-1);
      if (last !== undefined) return last.position;
      if (page.length < limit) return START;
    }
  };

  const readAll = async (after: Position, limit: number, filter?: ReadFilter): Promise<LogPage> => {
    const types = filter?.types === undefined ? null : new Set(filter.types);
    for (let from = await ask(places.before(after)); ;) {
      // The server begins at a position, not behind it.
      const page = await ask(readAllPage(client, { from, limit: limit + 1, ms: tryMs }));
      const records = page.filter(({ event }) => event?.position !== undefined && isBehind(event.position, from)).slice(0, limit);
      const events = loggedOf(records).filter(({ position }) => position > after);
      const atHead = page.length <= limit;
      const examined = records.at(-1)?.event?.position;
      const last = events.at(-1)?.position ?? after;
      // At the end, what the server keeps for itself is left for the next look: the last event of ours is where the log ends.
      const next = atHead || examined === undefined ? last : (places.positionOf(examined) ?? last);
      if (atHead || next > after) return { events: types === null ? events : events.filter(({ type }) => types.has(type)), next, atHead };
      from = examined ?? from; // a page of what does not count, or stands before `after`
    }
  };

  const at = async (position: Position): Promise<readonly LoggedEvent[]> => {
    if (position === START) return [];
    let from = await ask(places.before(position));
    for (let limit = 1; ; limit = SCANNED) {
      const page = await ask(readAllPage(client, { from, limit, ms: tryMs }));
      const events = loggedOf(page);
      const last = page.at(-1)?.event?.position;
      const isPast = events.some((event) => event.position >= position);
      if (isPast || page.length < limit || last === undefined) return events.filter((event) => event.position === position);
      from = last;
    }
  };

  const watch = watchHead({ client, head, positionOf: places.positionOf, pollMs, closing: closing.signal, logger });
  const append = createAppender({ client, markers, places, queueLimit, tryMs, deadlineMs });
  await ask(markers.refresh()).catch(async (error: unknown) => {
    await release();
    throw error;
  });
  const look = setInterval(() => {
    markers.refresh().catch((error: unknown) => logger?.debug({ err: error }, 'whether the log is being moved could not be looked up'));
  }, lookMs);
  look.unref();

  const log: EventLog = {
    shards: [0],
    append: async (stream, expected, events) => {
      admit(stream, events);
      if (closing.signal.aborted) throw new LogUnavailable('not-applied', new Error('the log is closed'));
      const result = await append(stream, expected, events);
      if (result.type !== 'conflict') watch.seen(result.position);
      return result;
    },
    readStream: async (stream, from, limit) => {
      return loggedOf(await ask(readStreamPage(client, stream, { from, limit, ms: tryMs })));
    },
    readAll: async (shard, after, limit, filter) => {
      only(shard);
      return readAll(after, limit, filter);
    },
    readAt: async (shard, positions) => {
      only(shard);
      const wanted = [...new Set(positions)].toSorted();
      const found: LoggedEvent[] = [];
      for (let from = 0; from < wanted.length; from += LOOKUPS)
        found.push(...(await Promise.all(wanted.slice(from, from + LOOKUPS).map(at))).flat());
      return found;
    },
    head: async (shard) => {
      only(shard);
      return head();
    },
    tail: (shard, after, { limit, filter, signal }) => {
      only(shard);
      const until = AbortSignal.any([signal, closing.signal]);
      const read = (from: Position): Promise<LogPage> => patiently(() => readAll(from, limit, filter), from, until, logger);
      return tailBy({ read, waitBehind: watch.waitBehind, after, signal: until });
    },
    distance: () => null,
    close: async () => {
      if (closing.signal.aborted) return;
      closing.abort();
      clearInterval(look);
      await release();
    },
  };
  return { log, client, markers, places };
};

/** Reads until it works: a tail outlives outages and elections. Gives an empty page when aborted meanwhile. */
const patiently = async (
  read: () => Promise<LogPage>,
  from: Position,
  signal: AbortSignal,
  logger: Logger | undefined,
): Promise<LogPage> => {
  for (let pause: number = RETRY_MS.first; ; pause = Math.min(pause * 2, RETRY_MS.most)) {
    try {
      return await read();
    } catch (error) {
      if (signal.aborted) return { events: [], next: from, atHead: true };
      if (!(error instanceof LogUnavailable)) throw error;
      logger?.warn({ err: error }, 'the tail of the log cannot be read; trying on');
      await delay(pause * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
    }
  }
};
