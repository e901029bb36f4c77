/**
 * The batcher of one shard (architecture §2): two connections of its own take turns, each sends what has gathered while the other commits.
 * An idle log appends at once, a busy one in large batches. In between, when requests keep coming but few at a time, a connection that
 * has just carried several waits a moment before it takes the next (docs/decisions/013): a batch costs Postgres nearly the same for one
 * request as for ten.
 *
 * When an answer is lost, requests that name what they expect go again with the same event ids and learn what became of them; `any` and
 * `exists` cannot be told apart from a second wish, so they fail as `unknown`.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { LogUnavailable, MAX_APPEND_EVENTS, Overloaded } from '@tidings/contracts/ports/event-log';
import pg from 'pg';
import type { Logger } from 'pino';
import { numberOf } from '../positions.ts';
import { silenceWatchOf, watchClient } from '../../postgres/silence.ts';
import { failureOf, sendBatch, type BatchVerdict } from './append-batch.ts';
import type { AppendQueue, AppendRequest } from './append-queue.ts';
import { isHeld } from './in-use.ts';
import { APPEND_SETTINGS, withSettings } from './session.ts';

export interface AppenderOptions {
  readonly url: string;
  readonly shard: number;
  readonly queue: AppendQueue;
  readonly logger: Logger | undefined;
  /** How long a patient request waits for others. */
  readonly patienceMs: number;
  /** The last position a batch of ours was given, and the types of its events. */
  readonly onAppended: (shard: number, position: number, types: ReadonlySet<string>) => void;
  readonly onMoved: (request: AppendRequest, shard: number) => void;
  /** Before a failed batch goes again: the place to mend what can be mended. */
  readonly onFailure: (error: unknown) => Promise<void>;
}

export interface Appender {
  /** Something was queued. */
  nudge(): void;
  /** Something was queued that may wait for others. */
  nudgeLater(): void;
  readonly stats: AppendStats;
  /** Lets what is on its way arrive, refuses the rest. */
  close(): Promise<void>;
}

/** Counters since the start. */
export interface AppendStats {
  readonly batches: number;
  readonly events: number;
  readonly largestBatch: number;
  readonly conflicts: number;
  readonly duplicates: number;
  readonly resent: number;
}

const CONNECTIONS = 2;
const WORTH_HALVING = 64;
/** Behind a batch of several requests the next one leaves no sooner than this, unless `WORTH_HALVING` wait. */
const GATHER_MS = 5;
/** Longer than the server's own limit: only a peer that has vanished gets here. */
const ANSWER_TIMEOUT_MS = 8_000;
const RECONNECT_MS = { first: 50, most: 1_000 };
const EXPIRY_CHECK_MS = 100;

export const createAppender = ({ url, shard, queue, logger, patienceMs, onAppended, onMoved, onFailure }: AppenderOptions): Appender => {
  const stats = { batches: 0, events: 0, largestBatch: 0, conflicts: 0, duplicates: 0, resent: 0 };
  const closing = new AbortController();
  const idle: (() => void)[] = [];
  let turnPlanned = false;
  /** The last batch, and whether a connection gathers the next one. */
  let last = { size: 0, at: Number.NEGATIVE_INFINITY };
  let gathering = false;
  let lastError: unknown = new Error('not connected yet');

  const refuseExpired = (now: number): void => {
    for (const request of queue.expire(now)) {
      request.reject(new LogUnavailable(request.unanswered ? 'unknown' : 'not-applied', lastError));
    }
  };
  /** Looks only while something waits: a process that appends nothing does not wake ten times a second for it. */
  let expiry: NodeJS.Timeout | null = null;
  const watchExpiry = (): void => {
    expiry ??= setInterval(() => {
      refuseExpired(performance.now());
      if (queue.waiting === 0) stopWatching();
    }, EXPIRY_CHECK_MS).unref();
  };
  const stopWatching = (): void => {
    if (expiry !== null) clearInterval(expiry);
    expiry = null;
  };

  /** Wakes one connection, after this turn of the event loop, so that callers who act together travel together. */
  const nudge = (): void => {
    watchExpiry();
    if (turnPlanned || gathering || idle.length === 0) return;
    turnPlanned = true;
    setImmediate(() => {
      turnPlanned = false;
      idle.pop()?.();
    });
  };

  let waitingForOthers: NodeJS.Timeout | null = null;
  const nudgeLater = (): void => {
    watchExpiry();
    waitingForOthers ??= setTimeout(() => {
      waitingForOthers = null;
      if (queue.waiting > 0) nudge();
    }, patienceMs);
  };

  /** A crowd that came at once is halved between the connections: one half commits while the other is being written and parsed. */
  const batchSize = (): number =>
    idle.length > 0 && queue.waiting >= WORTH_HALVING ? Math.min(Math.ceil(queue.waiting / 2), MAX_APPEND_EVENTS) : MAX_APPEND_EVENTS;

  /** A lone request never waits, nor does a crowd; requests that keep coming a few at a time do. */
  const gather = async (): Promise<void> => {
    const rest = last.at + GATHER_MS - performance.now();
    if (gathering || rest <= 0 || last.size <= 1 || last.size >= WORTH_HALVING || queue.waiting >= WORTH_HALVING) return;
    gathering = true;
    await delay(rest, undefined, { signal: closing.signal }).catch(() => undefined);
    gathering = false;
  };

  const nextBatch = async (): Promise<readonly AppendRequest[]> => {
    while (!closing.signal.aborted) {
      await gather();
      if (closing.signal.aborted) break; // closed while it gathered: nobody would wake it any more
      const batch = queue.take(batchSize());
      if (batch.length > 0) {
        last = { size: batch.length, at: performance.now() };
        if (queue.waiting > 0) nudge();
        return batch;
      }
      await new Promise<void>((resolve) => {
        idle.push(resolve);
      });
    }
    return [];
  };

  const settle = (batch: readonly AppendRequest[], verdicts: readonly BatchVerdict[]): void => {
    queue.settle(batch);
    let newest = 0;
    const types = new Set<string>();
    for (const [index, request] of batch.entries()) {
      const verdict = verdicts[index];
      if (verdict === undefined) continue; // sendBatch has counted them
      if (verdict.type === 'moved') {
        onMoved(request, verdict.shard);
        continue;
      }
      if (verdict.type === 'appended') {
        newest = Math.max(newest, numberOf(verdict.position));
        for (const { type } of request.events) types.add(type);
      } else stats[verdict.type === 'conflict' ? 'conflicts' : 'duplicates'] += 1;
      request.resolve(verdict);
    }
    if (newest > 0) onAppended(shard, newest, types);
  };

  const fail = (batch: readonly AppendRequest[], error: unknown): void => {
    lastError = error;
    const failure = failureOf(error);
    logger?.warn({ err: error, shard, requests: batch.length, failure }, 'a batch of appends failed');
    const again: AppendRequest[] = [];
    for (const request of batch) {
      const sure = typeof request.expected === 'number' && request.expected >= -1;
      if (failure === 'closed') {
        queue.settle([request]);
        request.reject(closedTo(request, error));
      } else if (failure === 'lost' ? sure : failure === 'again' || batch.length > 1) {
        again.push(request);
        if (failure === 'lost') request.unanswered = true;
        if (failure === 'refused') request.alone = true;
      } else {
        queue.settle([request]);
        request.reject(new LogUnavailable(failure === 'lost' || request.unanswered ? 'unknown' : 'not-applied', error));
      }
    }
    stats.resent += again.length;
    queue.putBack(again);
    nudge(); // the other connection may be well
  };

  /** One connection's life: connect, serve batches until it breaks, again. */
  const serve = async (): Promise<void> => {
    let pause = RECONNECT_MS.first;
    while (!closing.signal.aborted) {
      const client = await connect(url).catch((error: unknown) => {
        lastError = error;
        return null;
      });
      if (client !== null) {
        const watched = watchClient(client, silenceWatchOf(url, logger));
        let alive = true;
        client.on('error', () => {
          alive = false; // noticed before a batch is risked on it
        });
        while (alive && !closing.signal.aborted) {
          const batch = await nextBatch();
          if (batch.length === 0) break;
          if (!alive) {
            queue.putBack(batch);
            break;
          }
          watched?.asked();
          try {
            const verdicts = await sendBatch(client, shard, batch);
            pause = RECONNECT_MS.first;
            stats.batches += 1;
            stats.events += batch.reduce((sum, request) => sum + request.events.length, 0);
            stats.largestBatch = Math.max(stats.largestBatch, batch.length);
            settle(batch, verdicts);
          } catch (error) {
            fail(batch, error);
            alive = failureOf(error) === 'refused' || failureOf(error) === 'closed';
            await onFailure(error);
          } finally {
            watched?.rested();
          }
        }
        await hangUp(client);
      }
      if (closing.signal.aborted) return;
      await delay(pause * (0.5 + Math.random() / 2), undefined, { signal: closing.signal }).catch(() => undefined);
      pause = Math.min(pause * 2, RECONNECT_MS.most);
    }
  };

  const connections = Array.from({ length: CONNECTIONS }, serve);

  return {
    nudge,
    nudgeLater,
    stats,
    close: async () => {
      closing.abort();
      if (waitingForOthers !== null) clearTimeout(waitingForOthers);
      for (const wake of idle.splice(0)) wake();
      await Promise.all(connections);
      stopWatching();
      lastError = new Error('the log is closed');
      refuseExpired(Number.POSITIVE_INFINITY);
    },
  };
};

/** The log is held for a moment, or is not the one in use. One that was sent before may have been written before that. */
const closedTo = ({ unanswered }: AppendRequest, error: unknown): Error =>
  isHeld(error) && !unanswered
    ? new Overloaded('the log is being moved')
    : new LogUnavailable(unanswered ? 'unknown' : 'not-applied', error);

const connect = async (url: string): Promise<pg.Client> => {
  const client = new pg.Client({
    connectionString: withSettings(url, APPEND_SETTINGS),
    application_name: 'tidings log append',
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    connectionTimeoutMillis: 3_000,
    query_timeout: ANSWER_TIMEOUT_MS,
  });
  client.on('error', () => undefined); // reported by the query that meets it
  try {
    await client.connect();
    return client;
  } catch (error) {
    await hangUp(client);
    throw error;
  }
};

/** Ends politely when the peer listens; does not wait for one that does not. */
const hangUp = (client: pg.Client): Promise<unknown> =>
  Promise.race([client.end().catch(() => undefined), delay(500, undefined, { ref: false })]);
