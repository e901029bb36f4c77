/** The log relayed to a real Kafka broker: how fast a backlog goes there, and how much later than the log's own followers somebody hears of an event. */
import { randomUUID } from 'node:crypto';
import { START } from '@tidings/contracts/ports/event-log';
import { migrateEventLog } from '@tidings/infra/event-log/postgres/migrate';
import { openPostgresLog } from '@tidings/infra/event-log/postgres/postgres-log';
import { openKafkaProducer } from '@tidings/infra/kafka/producer';
import { relayedIn } from '@tidings/infra/kafka/relayed';
import { openPool } from '@tidings/infra/postgres/pools';
import { startProcessManager } from '@tidings/infra/process-manager/process-manager';
import { migrateProjector } from '@tidings/infra/projector/migrations';
import { Kafka, logLevel } from 'kafkajs';
import { pino } from 'pino';
import { relay } from '../services/relay/src/index.ts';
import { type KafkaBroker, kafkaLacks, startKafka } from '../tests/kit/kafka.ts';
import { appendFor, followAt, followedBy, Hearing, replayFrom } from './engines-log.ts';
import type { Figure } from './harness.ts';
import { withPostgres } from './postgres.ts';

const TOPIC = 'bench.log';
const PARTITIONS = 4;

export const kafkaFigures = async (seconds: number, say: (line: string) => void): Promise<readonly Figure[]> => {
  const lack = await kafkaLacks();
  if (lack !== null) {
    say(`Kafka: not measured, ${lack}`);
    return [];
  }
  const broker = await startKafka();
  try {
    return await withPostgres((url) => relayed(url, broker, seconds, say));
  } finally {
    await broker.stop();
  }
};

const relayed = async (url: string, broker: KafkaBroker, seconds: number, say: (line: string) => void): Promise<readonly Figure[]> => {
  const logger = pino({ level: 'silent' });
  await migrateEventLog(url);
  const pool = openPool({ url, name: 'bench', max: 8, logger });
  await migrateProjector(pool);
  const log = await openPostgresLog({ url });
  const producer = openKafkaProducer({ brokers: [broker.address], tls: null, sasl: null, logger });
  const kafka = new Kafka({ brokers: [broker.address], logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: randomUUID(), maxWaitTimeInMs: 100 });
  const hearing = new Hearing();
  try {
    await appendFor(log, seconds);
    const backlog = log.distance(START, await log.head(0)) ?? 0;
    const read = await replayFrom(log, START);
    await createTopic(kafka);
    await consumer.connect();
    await consumer.subscribe({ topics: [TOPIC], fromBeginning: true });
    await consumer.run({
      eachBatch: ({ batch }) => {
        for (const { value } of batch.messages) {
          const message = relayedIn(value);
          if (message !== null) hearing.came(message.event.position);
        }
        return Promise.resolve();
      },
    });
    const published = Promise.withResolvers<number>();
    let sent = 0;
    const begun = performance.now();
    const follow = relay({
      ...{ log, producer, topic: TOPIC },
      measures: {
        sent: (_, count) => {
          sent += count;
          if (sent >= backlog) published.resolve(performance.now());
        },
      },
    });
    const manager = startProcessManager({ ...{ name: 'relay', shards: log.shards, pool, logger, follow }, now: Date.now });
    try {
      const rate = backlog / (((await published.promise) - begun) / 1_000);
      await hearing.when(await log.head(0)); // the consumer has come as far
      const heard = await followedBy(log, seconds, hearing.when);
      const own = await followAt(log, seconds);
      say(`Kafka: ${rate.toFixed(0)} events/s published; heard after ${heard.p50.toFixed(1)} ms, p99 ${heard.p99.toFixed(1)} ms`);
      return [
        {
          what: `log relayed to Kafka ${broker.version}, ${PARTITIONS} partitions`,
          unit: 'events/s',
          value: rate,
          must: null,
          baseline: { what: 'the log read where it lies', value: read },
          note: `${backlog.toLocaleString('en-US')} events; a real broker, one node`,
        },
        {
          what: '… from append to a consumer, p99',
          unit: 'ms',
          value: heard.p99,
          must: null,
          baseline: { what: 'to who follows the log itself, p99 ms', value: own.p99 },
          note: `p50 ${heard.p50.toFixed(1)} ms (the log itself ${own.p50.toFixed(1)} ms); ${heard.events} events at an easy pace`,
        },
      ];
    } finally {
      await manager.stop();
    }
  } finally {
    await consumer.disconnect();
    await producer.close();
    await log.close();
    await pool.end();
  }
};

const createTopic = async (kafka: Kafka): Promise<void> => {
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: PARTITIONS }], waitForLeaders: true });
  await admin.disconnect();
};
