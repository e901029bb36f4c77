/**
 * The relay: a process manager that publishes the log to Kafka, for projectors and for whoever else wants to follow. Every event at least once, in the order of
 * the log within each partition; its own checkpoint moves when Kafka has them on every in-sync replica.
 */
import { openKafkaProducer, type KafkaProducer } from '@tidings/infra/kafka/producer';
import { recordFor } from '@tidings/infra/kafka/relayed';
import type { EventLog, LogPage, Position } from '@tidings/contracts/ports/event-log';
import { startProcessManager, type Turn } from '@tidings/infra/process-manager/process-manager';
import type { LeaseOptions } from '@tidings/infra/projector/lease';
import type { Platform, Service } from '../../platform/src/platform.ts';
import { createMeasures, type Measures } from './measures.ts';

/** Of its leases and checkpoints, and of the service. */
const RELAY = 'relay';
const PAGE = 500;
/** Kafka takes a batch of 1 MB unless it is told otherwise, and an event has at most 256 KB. */
const BATCH_BYTES = 700_000;

export interface RelayOptions {
  readonly lease?: LeaseOptions;
}

/** Runs on every node; each shard is published by the one that holds its lease. Without `KAFKA_LOG_TOPIC` it has nothing to do. */
export const startRelay = (platform: Platform, options: RelayOptions = {}): Service => {
  const { kafka } = platform.config;
  if (kafka.logTopic === null)
    return { name: RELAY, health: () => ({ state: 'idle', lastProgressAt: null, waitingOn: null }), stop: () => Promise.resolve() };
  const { log, pool, now, metrics } = platform;
  const topic = kafka.logTopic;
  const logger = platform.logger.child({ service: RELAY });
  const producer = openKafkaProducer({ ...kafka, logger });
  const measures = createMeasures(metrics, log);
  const process = startProcessManager({
    ...{ name: RELAY, shards: log.shards, pool, logger, now, lease: options.lease },
    follow: relay({ log, producer, topic, measures }),
  });
  return {
    name: RELAY,
    health: () => process.health(),
    stop: async () => {
      await process.stop();
      await producer.close();
      measures.close();
    },
  };
};

export interface RelayParts {
  readonly log: Pick<EventLog, 'tail'>;
  readonly producer: Pick<KafkaProducer, 'send'>;
  readonly topic: string;
  readonly measures: Pick<Measures, 'sent'>;
}

/** After a crash, the events behind the checkpoint come again: who reads them knows them by their positions. */
export const relay =
  ({ log, producer, topic, measures }: RelayParts) =>
  async (turn: Pick<Turn, 'shard' | 'signal' | 'position' | 'commit' | 'report'>): Promise<void> => {
    let previous = turn.position;
    for await (const page of log.tail(turn.shard, turn.position, { limit: PAGE, signal: turn.signal })) {
      turn.report(page.atHead ? 'working' : 'behind');
      for (const batch of batchesOf(page, previous)) {
        await producer.send(topic, batch.records);
        previous = batch.last;
      }
      await turn.commit(page.next);
      measures.sent(turn.shard, page.events.length, page.next);
      turn.report(page.atHead ? 'idle' : 'behind');
    }
  };

interface Batch {
  readonly records: readonly ReturnType<typeof recordFor>[];
  readonly last: Position;
}

const batchesOf = ({ events }: LogPage, before: Position): readonly Batch[] => {
  const batches: { records: ReturnType<typeof recordFor>[]; bytes: number; last: Position }[] = [];
  let previous = before;
  for (const event of events) {
    const record = recordFor({ event, previous });
    const bytes = Buffer.byteLength(record.value);
    const open = batches.at(-1);
    if (open === undefined || open.bytes + bytes > BATCH_BYTES) batches.push({ records: [record], bytes, last: event.position });
    else {
      open.records.push(record);
      open.bytes += bytes;
      open.last = event.position;
    }
    previous = event.position;
  }
  return batches;
};
