/**
 * The log whose tail comes by way of Kafka, so that many projectors follow it without asking the log for each event. Kafka is a short cut, the log is the truth:
 * what does not come in time is read there. So lost, repeated and late messages, rebalances and brokers that are away change nothing but where an event
 * came from (docs/decisions/052).
 */
import { randomUUID } from 'node:crypto';
import type { EventLog, LogPage, Position, TailOptions } from '@tidings/contracts/ports/event-log';
import { Counter, type Registry } from 'prom-client';
import type { KafkaOptions } from './client.ts';
import { type KafkaConsumer, startKafkaConsumer } from './consumer.ts';
import { relayedIn } from './relayed.ts';
import { createRelayedBuffer, type RelayedBuffer } from './relayed-buffer.ts';

export interface FannedLogOptions extends KafkaOptions {
  readonly topic: string;
  readonly metrics: Registry;
}

/** How long an event may be missing before the log is asked. */
const PATIENCE_MS = 500;
/** Of at most 256 KB each, most of them under 1 KB. */
const MOST_EVENTS = 5_000;

export interface FannedLog {
  readonly log: EventLog;
  readonly connected: () => boolean;
  readonly stop: () => Promise<void>;
}

export const openFannedLog = (log: EventLog, options: FannedLogOptions): FannedLog => {
  const buffer = createRelayedBuffer(MOST_EVENTS);
  const events = new Counter({
    name: 'tidings_tail_events_total',
    help: 'Events that the projector followed, by where they came from',
    labelNames: ['source'],
    registers: [options.metrics],
  });
  const rebalances = new Counter({
    name: 'tidings_kafka_rebalances_total',
    help: 'How often partitions of the log’s topic were given out',
    registers: [options.metrics],
  });
  const consumer: KafkaConsumer = startKafkaConsumer({
    ...options,
    // Each process reads all partitions, from now on: what was before is in the log.
    groupId: `tidings-projector-${randomUUID()}`,
    fromBeginning: false,
    onJoin: () => rebalances.inc(),
    onMessage: ({ value }) => {
      const relayed = relayedIn(value);
      if (relayed === null) options.logger.debug('a message on the topic of the log is no event of ours');
      else buffer.put(relayed);
      return Promise.resolve();
    },
  });
  const counted = (source: 'kafka' | 'log', page: LogPage): LogPage => {
    events.inc({ source }, page.events.length);
    return page;
  };
  return {
    log: {
      ...log,
      tail: (shard, after, tailOptions) => fannedTail({ log, buffer, counted, patienceMs: PATIENCE_MS }, shard, after, tailOptions),
    },
    connected: () => consumer.connected(),
    stop: () => consumer.stop(),
  };
};

export interface FannedParts {
  readonly log: Pick<EventLog, 'readAll'>;
  readonly buffer: RelayedBuffer;
  readonly counted: (source: 'kafka' | 'log', page: LogPage) => LogPage;
  readonly patienceMs: number;
}

/** As `EventLog.tail`, but that an outage of the log ends it with `LogUnavailable`. */
export async function* fannedTail(
  { log, buffer, counted, patienceMs }: FannedParts,
  shard: number,
  after: Position,
  { limit, filter, signal }: TailOptions,
): AsyncGenerator<LogPage, void, void> {
  const types = filter?.types === undefined ? null : new Set(filter.types);
  let position = after;
  while (!signal.aborted) {
    const relayed = buffer.take(shard, position, limit);
    const last = relayed.at(-1);
    if (last !== undefined) {
      position = last.position;
      const events = types === null ? relayed : relayed.filter(({ type }) => types.has(type));
      yield counted('kafka', { events, next: position, atHead: !buffer.has(shard, position) });
      continue;
    }
    await buffer.wait(shard, position, patienceMs, signal);
    if (signal.aborted || buffer.has(shard, position)) continue;
    for (let page: LogPage | null = null; page?.atHead !== true && !signal.aborted;) {
      page = await log.readAll(shard, position, limit, filter);
      if (page.next <= position) break;
      position = page.next;
      yield counted('log', page);
    }
  }
}
