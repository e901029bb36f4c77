/** The log on KurrentDB: one shard, `$all`, read by pages. Positions have gaps, so there are no distances between them (docs/decisions/051). */
import { setTimeout as delay } from 'node:timers/promises';
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
import { textOf } from './positions.ts';
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
}

/** Records asked for at once when single ones are looked up. */
const LOOKUPS = 16;
/** Statistics of the server may stand behind our last event. */
const BACKWARDS = 50;
const RETRY_MS = { first: 100, most: 5_000 } as const;

/** @throws LogUnavailable when it does not answer */
export const openKurrentLog = async (options: KurrentLogOptions): Promise<EventLog> => {
  const { url, logger, queueLimit = 10_000, tryMs = 5_000, deadlineMs = 30_000, pollMs = 1_000 } = options;
  const { client, release } = sharedClient(url);
  const closing = new AbortController();
  const ask = <A>(asked: Promise<A>): Promise<A> => asked.catch((error: unknown) => Promise.reject(unavailable(error)));

  const only = (shard: number): void => {
    if (shard !== 0) throw new RangeError(`there is no shard ${shard}`);
  };

  const head = async (): Promise<Position> => {
    for (let limit = BACKWARDS; ; limit *= 4) {
      const page = await ask(readAllPage(client, { after: 'end', limit, ms: tryMs }));
      const last = page.map(recordedIn).find((recorded) => recorded !== null);
      if (last !== undefined) return last.event.position;
      if (page.length < limit) return START;
    }
  };

  const readAll = async (after: Position, limit: number, filter?: ReadFilter): Promise<LogPage> => {
    // The server begins at a position, not behind it.
    const page = await ask(readAllPage(client, { after, limit: limit + 1, ms: tryMs }));
    const records = page.map((resolved) => ({ recorded: recordedIn(resolved), position: resolved.event?.position }));
    const behind = records.filter(({ position }) => position !== undefined && textOf(position) > after).slice(0, limit);
    const events = behind.flatMap(({ recorded }) => recorded?.event ?? []);
    const atHead = page.length <= limit;
    const examined = behind.at(-1)?.position;
    // At the end, what the server keeps for itself is left for the next look: the last event of ours is where the log ends.
    const next = atHead || examined === undefined ? (events.at(-1)?.position ?? after) : textOf(examined);
    const types = filter?.types === undefined ? null : new Set(filter.types);
    return { events: types === null ? events : events.filter(({ type }) => types.has(type)), next, atHead };
  };

  const at = async (position: Position): Promise<readonly LoggedEvent[]> => {
    const [found] = await ask(readAllPage(client, { after: position, limit: 1, ms: tryMs }));
    const recorded = found === undefined ? null : recordedIn(found);
    return recorded?.event.position === position ? [recorded.event] : [];
  };

  const watch = watchHead({ client, head, pollMs, closing: closing.signal, logger });
  const append = createAppender({ client, queueLimit, tryMs, deadlineMs });
  await head().catch(async (error: unknown) => {
    await release();
    throw error;
  });

  return {
    shards: [0],
    append: async (stream, expected, events) => {
      admit(stream, events);
      if (closing.signal.aborted) throw new LogUnavailable('not-applied', new Error('the log is closed'));
      const result = await append(stream, expected, events);
      if (result.type !== 'conflict') watch.seen(result.position);
      return result;
    },
    readStream: async (stream, from, limit) => {
      const page = await ask(readStreamPage(client, stream, { from, limit, ms: tryMs }));
      return page.flatMap((resolved) => recordedIn(resolved)?.event ?? []);
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
      await release();
    },
  };
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
