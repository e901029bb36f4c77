/**
 * The log in memory: same conflicts, duplicates, dense positions, limits and waiting as Postgres (the contract suite holds both to it).
 * For tests and for trying things out; nothing survives the process.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { StreamId } from '@tidings/contracts/ids';
import {
  type AppendResult,
  type EventLog,
  type Expected,
  type JsonObject,
  LogUnavailable,
  type LoggedEvent,
  type LogPage,
  type NewEvent,
  Overloaded,
  type Position,
  type ReadFilter,
} from '@tidings/contracts/ports/event-log';
import { timestamp } from '@tidings/contracts/time';
import { admit, type Encoded } from '../limits.ts';
import { denseDistance, numberOf, positionOf, shardOf } from '../positions.ts';
import { tailBy } from '../tail.ts';
import { verdictOf } from '../verdict.ts';
import { createWaiters } from '../waiters.ts';

export interface MemoryLogOptions {
  /** Default 1. */
  readonly shards?: number;
  /** Appends that may be waiting at once before `Overloaded`; default 10,000. */
  readonly queueLimit?: number;
  /** Milliseconds since the epoch; default the system's clock. */
  readonly now?: () => number;
}

interface Shard {
  readonly events: LoggedEvent[];
  lastTime: number;
}

export const openMemoryLog = (options: MemoryLogOptions = {}): EventLog => {
  const { shards: count = 1, queueLimit = 10_000, now = Date.now } = options;
  const shards: readonly Shard[] = Array.from({ length: count }, () => ({ events: [], lastTime: 0 }));
  const streams = new Map<StreamId, LoggedEvent[]>();
  const waiters = createWaiters();
  let waiting = 0;
  const closing = new AbortController();

  const shardAt = (shard: number): Shard => {
    const found = shards[shard];
    if (found === undefined) throw new RangeError(`there is no shard ${shard}`);
    return found;
  };

  const write = (stream: StreamId, expected: Expected, events: readonly NewEvent[], encoded: readonly Encoded[]): AppendResult => {
    const held = streams.get(stream) ?? [];
    const current = held.length - 1;
    const verdict = verdictOf(expected, current, events, (revision) => held[revision]?.id);
    if (verdict === 'conflict') return { type: 'conflict', current: current < 0 ? null : current };
    if (verdict === 'append') {
      const number = shardOf(stream, count);
      const shard = shardAt(number);
      shard.lastTime = Math.max(shard.lastTime, now());
      const recordedAt = timestamp(shard.lastTime);
      for (const [index, event] of events.entries()) {
        const logged: LoggedEvent = Object.freeze({
          ...event,
          data: JSON.parse(encoded[index]?.data ?? '{}') as JsonObject, // as it would come back from a disk
          shard: number,
          position: positionOf(shard.events.length + 1),
          stream,
          revision: held.length,
          recordedAt,
        });
        shard.events.push(logged);
        held.push(logged);
      }
      streams.set(stream, held);
      waiters.wake(number);
    }
    const first = expected === 'none' ? 0 : typeof expected === 'object' ? expected.revision + 1 : held.length - events.length;
    const last = held[first + events.length - 1];
    if (last === undefined) throw new Error(`${stream} lost its events`);
    return {
      type: verdict === 'append' ? 'appended' : 'duplicate',
      revision: last.revision,
      position: last.position,
      recordedAt: last.recordedAt,
    };
  };

  const readAll = (shard: number, after: Position, limit: number, filter?: ReadFilter): LogPage => {
    const { events } = shardAt(shard);
    const from = numberOf(after);
    const examined = events.slice(from, from + limit);
    const types = filter?.types === undefined ? null : new Set(filter.types);
    return {
      events: types === null ? examined : examined.filter(({ type }) => types.has(type)),
      next: examined.at(-1)?.position ?? after,
      atHead: from + examined.length >= events.length,
    };
  };

  const head = (shard: number): Position => positionOf(shardAt(shard).events.length);

  return {
    shards: shards.map((_, index) => index),
    append: async (stream, expected, events) => {
      const encoded = admit(stream, events);
      if (closing.signal.aborted) throw new LogUnavailable('not-applied', new Error('the log is closed'));
      if (waiting >= queueLimit) throw new Overloaded();
      waiting += 1;
      try {
        await nextTurn(); // an append is never instant, here neither: callers must not come to rely on it
        return write(stream, expected, events, encoded);
      } finally {
        waiting -= 1;
      }
    },
    readStream: async (stream, from, limit) => (streams.get(stream) ?? []).slice(from, from + limit),
    revisions: (wanted) =>
      Promise.resolve(new Map(wanted.flatMap((stream) => (streams.has(stream) ? [[stream, (streams.get(stream)?.length ?? 0) - 1]] : [])))),
    readAll: async (shard, after, limit, filter) => readAll(shard, after, limit, filter),
    readAt: async (shard, positions) => {
      const wanted = new Set(positions);
      return shardAt(shard).events.filter(({ position }) => wanted.has(position));
    },
    head: async (shard) => head(shard),
    tail: (shard, after, tailOptions) =>
      tailBy({
        read: async (from) => readAll(shard, from, tailOptions.limit, tailOptions.filter),
        waitBehind: (position, signal) => waiters.wait(shard, () => head(shard) > position, signal),
        after,
        signal: AbortSignal.any([tailOptions.signal, closing.signal]),
      }),
    distance: denseDistance,
    close: async () => closing.abort(),
  };
};
