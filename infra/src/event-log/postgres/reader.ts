/** Reading the log: pages by position, streams by revision. Every page proves that nothing was skipped. */
import type { EventId, StreamId } from '@tidings/contracts/ids';
import {
  type EventMeta,
  type JsonObject,
  type LoggedEvent,
  type LogPage,
  LogUnavailable,
  type Position,
  type ReadFilter,
} from '@tidings/contracts/ports/event-log';
import { timestamp, type Timestamp } from '@tidings/contracts/time';
import type pg from 'pg';
import { numberOf, positionOf } from '../positions.ts';
import { AS_TEXT, failureOf } from './append-batch.ts';

/** A page of the log has a hole or is out of order. That cannot happen while the append function is the only writer: stop and look. */
export class LogGapError extends Error {
  override readonly name = 'LogGapError';
}

export interface LogReader {
  /** @throws LogGapError, LogUnavailable */
  readAll(shard: number, after: Position, limit: number, filter?: ReadFilter): Promise<LogPage>;
  /** @throws LogGapError, LogUnavailable */
  readStream(stream: StreamId, from: number, limit: number): Promise<readonly LoggedEvent[]>;
  /** Those of them that exist, in order. @throws LogUnavailable */
  readAt(shard: number, positions: readonly Position[]): Promise<readonly LoggedEvent[]>;
  /** Last revisions of those streams that exist. @throws LogUnavailable */
  revisions(streams: readonly StreamId[]): Promise<ReadonlyMap<StreamId, number>>;
  /** Last position of each shard. @throws LogUnavailable */
  heads(): Promise<ReadonlyMap<number, number>>;
}

/** A page stops short of its limit rather than grow past this; one event always fits. */
const PAGE_BYTES = 2 * 1024 * 1024;

// First how far the page goes, by the stored, uncompressed lengths alone; then its events, a row each, with what was found in a row before
// them. Measured against one text made of all events by the server, rows cost Node the same and Postgres half (docs/decisions/022).
const pageOf = (events: string, key: 'position' | 'revision', wanted: string, meta: 'meta' | 'null' = 'meta'): string => `
  with size as (select ${key} key, pg_column_size(data) bytes from log.event where ${events} order by ${key} limit $3),
       fit as (select key, sum(bytes) over (order by key rows between unbounded preceding and current row) - bytes < ${PAGE_BYTES} fits from size),
       cut as materialized (select count(*) filter (where fits) fitting, count(*) seen, max(key) filter (where fits) last from fit)
  select last, null, fitting, null, null, seen, null, null, null from cut
  union all (
    select position, stream_id, revision, event_id, type, version, recorded_at, data, ${meta}
      from log.event where ${events} and ${key} <= (select last from cut) and ${wanted} order by ${key}
  )`;

// Index: primary key (shard, position), one partition after the other.
const shardEvents = 'shard = $1 and position > $2';
// Index: (stream_id, revision) of each partition between the stream's first and last position.
const streamEvents = `stream_id = $1 and revision >= $2
    and position >= (select first_position from log.stream where stream_id = $1)
    and position <= (select last_position from log.stream where stream_id = $1)`;

const READ_ALL = pageOf(shardEvents, 'position', 'true');
const READ_SOME = pageOf(shardEvents, 'position', 'type = any($4)');
const READ_BARE = pageOf(shardEvents, 'position', 'type = any($4)', 'null');
// Index: primary key (shard, position).
const READ_AT = `select position, stream_id, revision, event_id, type, version, recorded_at, data, meta
    from log.event where shard = $1 and position = any($2::bigint[]) order by position`;
const READ_STREAM = pageOf(streamEvents, 'revision', 'true');

type Found = readonly [last: string | null, none: null, fitting: string, none: null, none: null, seen: string];
type EventRow = readonly [
  position: string,
  stream: StreamId,
  revision: string,
  id: EventId,
  type: string,
  version: string,
  recordedAt: string,
  data: string,
  meta: string | null,
];

interface FoundPage {
  /** Events that fit the page, wanted or not, of those seen; the last of them by the page's key. */
  readonly fitting: number;
  readonly seen: number;
  readonly last: number | null;
  readonly events: readonly EventRow[];
}

/** @param pool with `int8` as numbers @param gapsBelow up to here positions came from another log and may have gaps; all others are dense */
export const createReader = (pool: pg.Pool, gapsBelow = 0): LogReader => {
  const page = async (name: string, text: string, values: readonly unknown[]): Promise<FoundPage> => {
    const { rows } = await ask(() => pool.query({ name, text, values: [...values], rowMode: 'array', types: AS_TEXT }));
    const [found, ...events] = rows as unknown as readonly [Found, ...EventRow[]]; // what `pageOf` selects; an aggregate gives its row always
    const [last, , fitting, , , seen] = found;
    return { fitting: Number(fitting), seen: Number(seen), last: last === null ? null : Number(last), events };
  };

  return {
    readAll: async (shard, after, limit, filter) => {
      const from = numberOf(after);
      const { fitting, seen, last, events } =
        filter?.types === undefined
          ? await page('log-read-all', READ_ALL, [shard, from, limit])
          : filter.withoutMeta === true
            ? await page('log-read-bare', READ_BARE, [shard, from, limit, filter.types])
            : await page('log-read-some', READ_SOME, [shard, from, limit, filter.types]);
      // Positions are distinct and behind `from`, so this many up to `last` leaves no room for a hole.
      if (from >= gapsBelow && fitting > 0 && last !== from + fitting) {
        throw new LogGapError(`shard ${shard} has ${fitting} events behind position ${from} up to ${last}`);
      }
      const read = eventsOf(shard, events);
      assertAscending(read, shard);
      return { events: read, next: last === null ? after : positionOf(last), atHead: seen < limit && fitting === seen };
    },

    readStream: async (stream, from, limit) => {
      const all: LoggedEvent[] = [];
      while (all.length < limit) {
        const next = from + all.length;
        const { fitting, seen, events } = await page('log-read-stream', READ_STREAM, [stream, next, limit - all.length]);
        const read = eventsOf(0, events);
        if (read.some(({ revision }, index) => revision !== next + index)) {
          throw new LogGapError(`${stream} has a hole behind revision ${next - 1}`);
        }
        all.push(...read);
        if (fitting === seen) break;
      }
      return all;
    },

    readAt: async (shard, positions) => {
      const values = [shard, positions.map(numberOf)];
      const { rows } = await ask(() => pool.query({ name: 'log-read-at', text: READ_AT, values, rowMode: 'array', types: AS_TEXT }));
      return eventsOf(shard, rows as unknown as readonly EventRow[]); // what is selected, as text
    },

    revisions: async (streams) => {
      const { rows } = await ask(() =>
        pool.query<{ stream_id: StreamId; revision: number }>({
          name: 'log-revisions',
          text: 'select stream_id, revision from log.stream where stream_id = any($1)',
          values: [streams],
        }),
      );
      return new Map(rows.map(({ stream_id, revision }) => [stream_id, revision]));
    },

    heads: async () => {
      const { rows } = await ask(() =>
        pool.query<{ shard: number; position: number }>({
          name: 'log-heads',
          text: 'select shard, position from log.shard_head order by shard',
        }),
      );
      return new Map(rows.map(({ shard, position }) => [shard, position]));
    },
  };
};

/**
 * A pooled connection may have died unnoticed while it was idle; a read can simply go again on another. Not for long: when Postgres itself
 * is away, the caller shall know.
 */
const ask = async <A>(query: () => Promise<A>): Promise<A> => {
  const giveUpAt = performance.now() + RETRY_FOR_MS;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await query();
    } catch (cause) {
      const again = failureOf(cause) === 'lost' && attempt <= RETRIES && performance.now() < giveUpAt;
      if (!again) throw new LogUnavailable('not-applied', cause);
    }
  }
};
const RETRIES = 5;
const RETRY_FOR_MS = 1_000;

const NO_META: EventMeta = {};

const eventsOf = (shard: number, rows: readonly EventRow[]): LoggedEvent[] => {
  let written = '';
  let recordedAt = '' as Timestamp;
  return rows.map(([position, stream, revision, id, type, version, at, data, meta]) => {
    if (at !== written) {
      written = at; // events of one batch share their time
      recordedAt = timestamp(Date.parse(`${at.replace(' ', 'T')}:00`)); // the session's zone is UTC: `2026-11-20 18:49:15.12+00`
    }
    return {
      id,
      type,
      version: Number(version),
      data: JSON.parse(data) as JsonObject, // the log holds objects only
      meta: meta === null ? NO_META : (JSON.parse(meta) as EventMeta),
      shard,
      position: positionOf(Number(position)),
      stream,
      revision: Number(revision),
      recordedAt,
    };
  });
};

const assertAscending = (events: readonly LoggedEvent[], shard: number): void => {
  for (let index = 1; index < events.length; index += 1) {
    const [before, event] = [events[index - 1], events[index]];
    if (before !== undefined && event !== undefined && event.position <= before.position) {
      throw new LogGapError(`shard ${shard} was read out of order at position ${event.position}`);
    }
  }
};
