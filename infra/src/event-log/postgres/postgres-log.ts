/** The log in Postgres: no event is ever skipped by a reader, and no reader ever has to guess. The default adapter. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  type EventLog,
  type Expected,
  type GrowthListener,
  LogUnavailable,
  type Position,
  type TailOptions,
} from '@tidings/contracts/ports/event-log';
import type { Signals } from '@tidings/contracts/ports/signals';
import type pg from 'pg';
import type { Logger } from 'pino';
import { pino } from 'pino';
import { openPool } from '../../postgres/pools.ts';
import { admit } from '../limits.ts';
import { numberOf, positionOf, shardOf } from '../positions.ts';
import { tailBy } from '../tail.ts';
import { lacksPartition } from './append-batch.ts';
import { createAppendQueue, type AppendQueue, type AppendRequest } from './append-queue.ts';
import { createAppender, type Appender, type AppendStats } from './appender.ts';
import { createHeadWatch, type PollPace } from './heads.ts';
import { assertInUse, type HeadState, headState } from './in-use.ts';
import { PARTITION_SPAN } from './migrate.ts';
import { createPartitions } from './partitions.ts';
import { createReader, LogGapError, type LogReader } from './reader.ts';
import { READ_SETTINGS, withSettings } from './session.ts';

export interface PostgresLogOptions {
  readonly url: string;
  readonly logger?: Logger;
  /** Hears of and tells other processes that the log grew; polling does without. */
  readonly signals?: Signals;
  /** How long patient appends wait for others to travel with; default 25. */
  readonly patienceMs?: number;
  /** Appends that may wait or be on their way, per shard, before `Overloaded`; default 10,000 and 64 MB. */
  readonly queueLimit?: number;
  readonly queueBytes?: number;
  /** How long an append may take, outages and retries included, before `LogUnavailable`; default 5,000. */
  readonly deadlineMs?: number;
  /** Connections for reading; default 4. */
  readonly readers?: number;
  /** As given to `migrateEventLog`. */
  readonly partitionSpan?: number;
  /** Default 25 ms hot, 500 ms idle. */
  readonly poll?: PollPace;
  /** For a mover: reads it also when it is not in use. Its appends are refused then, as anybody's. */
  readonly whateverItsState?: boolean;
}

export interface PostgresLog extends EventLog {
  /** What waits and what has been done, per shard. */
  stats(): readonly (AppendStats & { readonly shard: number; readonly waiting: number })[];
}

interface Lane {
  readonly queue: AppendQueue;
  readonly appender: Appender;
}

/** Pauses of a tail while Postgres is away. */
const RETRY_MS = { first: 50, most: 1_000 };

/**
 * Needs the schema (`migrateEventLog`).
 * @throws LogUnavailable when Postgres cannot be reached; LogNotInUse when the log is elsewhere
 */
export const openPostgresLog = async (options: PostgresLogOptions): Promise<PostgresLog> => {
  const {
    url,
    logger,
    signals,
    queueLimit = 10_000,
    queueBytes = 64 * 1024 * 1024,
    deadlineMs = 5_000,
    readers = 4,
    patienceMs = 25,
  } = options;
  const { partitionSpan = PARTITION_SPAN, poll = { hotMs: 25, idleMs: 500 } } = options;
  const pool = openPool({
    url: withSettings(url, READ_SETTINGS),
    name: 'tidings log read',
    max: readers,
    logger: logger ?? pino({ level: 'silent' }),
  });
  const {
    reader,
    heads: opened,
    distance,
  } = await open(pool, options.whateverItsState === true).catch(async (error: unknown) => {
    await pool.end();
    throw error;
  });
  const closing = new AbortController();
  const heads = createHeadWatch(() => reader.heads(), poll, logger);
  for (const [shard, position] of opened) heads.learn(shard, position);
  const partitions = createPartitions(pool, { span: partitionSpan, ceiling: 0, logger });
  let unsubscribe: (() => void) | undefined;
  const growthListeners = new Set<GrowthListener>();
  const ownHeads = new Map<number, number>();
  /** Only who follows the log wants to hear that it grew. */
  const listen = (): void => {
    unsubscribe ??= signals?.subscribe('log', (payload) => {
      const hint = hintOf(payload);
      if (hint === null) return;
      heads.learn(hint.shard, hint.position, hint.types);
      if (hint.position <= (ownHeads.get(hint.shard) ?? 0)) return;
      for (const listener of growthListeners) listener(hint.shard, positionOf(hint.position), hint.types);
    });
  };

  const onAppended = (shard: number, position: number, types: ReadonlySet<string>): void => {
    heads.learn(shard, position, [...types]);
    ownHeads.set(shard, position);
    const told = hintOn(types);
    signals?.publish('log', `${shard}:${position}${told}`, `${shard}${told}`); // of those with the same types only the newest has to go
    partitions.reached(position);
  };
  const lanes: ReadonlyMap<number, Lane> = new Map(
    [...opened.keys()].map((shard) => {
      const queue = createAppendQueue({ requests: queueLimit, bytes: queueBytes });
      const onFailure = async (error: unknown): Promise<void> => (lacksPartition(error) ? partitions.addNow() : undefined);
      const onMoved = (request: AppendRequest, to: number): void => enqueue(to, request);
      return [shard, { queue, appender: createAppender({ url, shard, queue, logger, patienceMs, onAppended, onMoved, onFailure }) }];
    }),
  );
  const shards = [...lanes.keys()].toSorted((a, b) => a - b);

  const enqueue = (shard: number, request: AppendRequest): void => {
    const lane = lanes.get(shard);
    try {
      if (lane === undefined)
        throw new LogUnavailable('not-applied', new Error(`${request.stream} lives in shard ${shard}, which is not open here`));
      lane.queue.push(request);
      if (request.patient) lane.appender.nudgeLater();
      else lane.appender.nudge();
    } catch (error) {
      request.reject(error instanceof Error ? error : new Error(String(error)));
    }
  };

  const append: EventLog['append'] = async (stream, expected, events, { patient = false } = {}) => {
    const encoded = admit(stream, events);
    if (closing.signal.aborted) throw new LogUnavailable('not-applied', new Error('the log is closed'));
    const stored = events.map(({ id, type, version }, index) => ({ id, type, version, data: '{}', meta: '{}', ...encoded[index] }));
    return new Promise((resolve, reject) => {
      enqueue(shards[shardOf(stream, shards.length)] ?? 0, {
        stream,
        expected: codeOf(expected),
        events: stored,
        bytes: stored.reduce((sum, { data, meta }) => sum + data.length + meta.length, 0),
        deadline: performance.now() + deadlineMs,
        patient,
        unanswered: false,
        alone: false,
        resolve,
        reject,
      });
    });
  };

  const tail = (shard: number, after: Position, { limit, filter, signal }: TailOptions) => {
    listen();
    const until = AbortSignal.any([signal, closing.signal]);
    const read = async (from: Position) => {
      const claimed = heads.claimed(shard);
      const page = await patiently(() => reader.readAll(shard, from, limit, filter), until, logger);
      if (page.atHead) heads.disprove(shard, claimed, numberOf(page.next));
      return page;
    };
    return tailBy({
      read,
      waitBehind: (position, stop) => heads.waitBehind(shard, numberOf(position), stop, filter?.types),
      after,
      signal: until,
    });
  };

  return {
    shards,
    append,
    readStream: (stream, from, limit) => alarmed(reader.readStream(stream, from, limit), logger),
    revisions: (streams) => reader.revisions(streams),
    readAll: (shard, after, limit, filter) => alarmed(reader.readAll(shard, after, limit, filter), logger),
    readAt: (shard, positions) => alarmed(reader.readAt(shard, positions), logger),
    head: async (shard) => positionOf((await reader.heads()).get(shard) ?? 0),
    tail,
    onGrown: (listener) => {
      listen();
      growthListeners.add(listener);
      return () => growthListeners.delete(listener);
    },
    distance,
    stats: () => [...lanes].map(([shard, { queue, appender }]) => ({ shard, waiting: queue.waiting, ...appender.stats })),
    close: async () => {
      closing.abort();
      unsubscribe?.();
      await Promise.all([heads.close(), ...[...lanes.values()].map(({ appender }) => appender.close())]);
      await pool.end();
    },
  };
};

const open = async (
  pool: pg.Pool,
  whateverItsState: boolean,
): Promise<{ readonly reader: LogReader; readonly heads: ReadonlyMap<number, number>; readonly distance: EventLog['distance'] }> => {
  const state = await headState(pool).catch((error: unknown) => Promise.reject(new LogUnavailable('not-applied', error)));
  if (state === null) throw new LogUnavailable('not-applied', new Error('the log has no shards: run its migrations first'));
  if (!whateverItsState) assertInUse(state);
  const reader = createReader(pool, state.gapsBelow);
  return { reader, heads: await reader.heads(), distance: distanceIn(state) };
};

/** Behind the part with gaps each position is one event; of that part, only how many it has is known. */
const distanceIn = ({ gapsBelow, eventsBelow }: HeadState): EventLog['distance'] => {
  const upTo = (position: number): number | null =>
    position >= gapsBelow ? eventsBelow + position - gapsBelow : position === 0 ? 0 : null;
  return (from, to) => {
    const [before, until] = [upTo(numberOf(from)), upTo(numberOf(to))];
    return before === null || until === null ? (from === to ? 0 : null) : until - before;
  };
};

/** A hint is `shard:position:type,type`; so many types that they would not fit are left out, and it may be anything. */
const hintOn = (types: ReadonlySet<string>): string => {
  const told = `:${[...types].toSorted().join(',')}`;
  return told.length <= MOST_TOLD ? told : '';
};
const MOST_TOLD = 3_000;

/** @returns null for what no node of ours sends */
const hintOf = (payload: string): { readonly shard: number; readonly position: number; readonly types?: readonly string[] } | null => {
  const [shard, position, types] = payload.split(':');
  const hint = { shard: Number(shard), position: Number(position) };
  if (!Number.isSafeInteger(hint.shard) || !Number.isSafeInteger(hint.position)) return null;
  return types === undefined ? hint : { ...hint, types: types.split(',') };
};

const codeOf = (expected: Expected): number | null =>
  expected === 'any' ? null : expected === 'none' ? -1 : expected === 'exists' ? -4 : expected.revision;

/** Reads until it works: a tail outlives outages. A gap is no outage. Gives an empty page when aborted meanwhile. */
const patiently = async (
  read: () => ReturnType<LogReader['readAll']>,
  signal: AbortSignal,
  logger: Logger | undefined,
): ReturnType<LogReader['readAll']> => {
  for (let pause = RETRY_MS.first; ; pause = Math.min(pause * 2, RETRY_MS.most)) {
    try {
      return await alarmed(read(), logger);
    } catch (error) {
      if (!(error instanceof LogUnavailable)) throw error;
      if (signal.aborted) return { events: [], next: positionOf(0), atHead: true };
      logger?.warn({ err: error }, 'the tail of the log cannot be read; trying on');
      await delay(pause * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
    }
  }
};

/** A gap means that somebody else wrote into the log's tables, or a restore went wrong: nothing to retry, somebody has to know. */
const alarmed = async <A>(reading: Promise<A>, logger: Logger | undefined): Promise<A> => {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof LogGapError) logger?.fatal({ err: error, alarm: 'log-gap' }, 'the event log is not dense');
    throw error;
  }
};
