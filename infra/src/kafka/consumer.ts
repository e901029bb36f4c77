/** Reads a topic, each message at least once: its offset is committed after it was dealt with. */
import { setTimeout as delay } from 'node:timers/promises';
import { kafkaClient, type KafkaOptions } from './client.ts';

export interface KafkaMessage {
  readonly value: Buffer | null;
  /** `topic/partition/offset/timestamp`: the same whenever this message comes again. */
  readonly place: string;
}

export interface KafkaConsumerOptions extends KafkaOptions {
  readonly groupId: string;
  readonly topic: string;
  /** Of what was there before its group; default true. */
  readonly fromBeginning?: boolean;
  /** Partitions were given out. */
  readonly onJoin?: () => void;
  /** A throw is for outages: the message comes again. */
  readonly onMessage: (message: KafkaMessage) => Promise<void>;
}

export interface KafkaConsumer {
  /** Whether messages can come at all just now. */
  readonly connected: () => boolean;
  readonly stop: () => Promise<void>;
}

const RETRY_MS = 2_000;
/** A broker holds a fetch that finds nothing for this long. */
const MAX_WAIT_MS = 250;
/** A reader that died gives its partitions to another node after this long. */
const SESSION_MS = 10_000;

/** Keeps at it until stopped: brokers may come later, go, and come back. */
export const startKafkaConsumer = (options: KafkaConsumerOptions): KafkaConsumer => {
  const { groupId, topic, fromBeginning = true, logger, onMessage, onJoin } = options;
  const stopping = new AbortController();
  let connected = false;

  const session = async (): Promise<void> => {
    const consumer = kafkaClient(options).consumer({
      groupId,
      maxWaitTimeInMs: MAX_WAIT_MS,
      sessionTimeout: SESSION_MS,
      heartbeatInterval: SESSION_MS / 4,
      allowAutoTopicCreation: true,
    });
    const over = Promise.withResolvers<void>();
    const end = (): void => over.resolve();
    stopping.signal.addEventListener('abort', end, { once: true });
    consumer.on(consumer.events.CRASH, ({ payload }) => over.reject(payload.error));
    consumer.on(consumer.events.GROUP_JOIN, () => {
      connected = true;
      onJoin?.();
    });
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [topic], fromBeginning });
      await consumer.run({
        eachMessage: ({ partition, message }) =>
          onMessage({ value: message.value, place: `${topic}/${partition}/${message.offset}/${message.timestamp}` }),
      });
      await over.promise;
    } finally {
      connected = false;
      stopping.signal.removeEventListener('abort', end);
      await consumer.disconnect().catch(() => undefined); // it may never have been connected
    }
  };

  const run = async (): Promise<void> => {
    let told = false;
    while (!stopping.signal.aborted) {
      try {
        await session();
        told = false;
      } catch (error) {
        if (!told) logger.warn({ err: error, topic }, 'Kafka cannot be read; trying again');
        told = true;
        await delay(RETRY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
    }
  };
  const running = run();

  return {
    connected: () => connected,
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
};
