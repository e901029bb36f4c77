/** Writes to Kafka. Connects when there is something to write, and again after an outage. */
import type { Producer } from 'kafkajs';
import { kafkaClient, kafkajs, type KafkaOptions } from './client.ts';

export interface KafkaRecord {
  readonly key: string;
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface KafkaProducer {
  /** All of them, in order, on every in-sync replica when it resolves. @throws when it is not certain; then they may come twice */
  send(topic: string, records: readonly KafkaRecord[]): Promise<void>;
  close(): Promise<void>;
}

/** @throws when a file of the TLS settings cannot be read */
export const openKafkaProducer = (options: KafkaOptions): KafkaProducer => {
  kafkaClient(options); // what cannot be read now is a fault of the settings, and stops the start
  let connected: Promise<Producer> | null = null;

  const connect = async (): Promise<Producer> => {
    // Idempotent: what the client itself sends again after a lost answer is written once.
    const producer = kafkaClient(options).producer({
      idempotent: true,
      maxInFlightRequests: 1,
      createPartitioner: kafkajs().Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    return producer;
  };
  const drop = async (): Promise<void> => {
    const dropped = connected;
    connected = null;
    await dropped?.then((producer) => producer.disconnect()).catch(() => undefined); // it is of no use either way
  };

  return {
    send: async (topic, records) => {
      try {
        connected ??= connect();
        const producer = await connected;
        await producer.send({
          topic,
          acks: -1,
          messages: records.map(({ key, value, headers }) => ({ key, value, headers: { ...headers } })),
        });
      } catch (error) {
        await drop(); // a producer that failed has lost its place; a new one begins afresh
        throw error;
      }
    },
    close: drop,
  };
};
