/** How we are known to Kafka; its library's own words go to our log. */
import { Kafka, logLevel } from 'kafkajs';
import type { Logger } from 'pino';

export interface KafkaOptions {
  /** `host:port` each. */
  readonly brokers: readonly string[];
  readonly logger: Logger;
}

export const kafkaClient = ({ brokers, logger }: KafkaOptions): Kafka =>
  new Kafka({
    clientId: 'tidings',
    brokers: [...brokers],
    // We try again ourselves, and for longer.
    retry: { retries: 2, initialRetryTime: 200, maxRetryTime: 2_000 },
    connectionTimeout: 3_000,
    requestTimeout: 10_000,
    logLevel: logLevel.WARN,
    logCreator:
      () =>
      ({ level, log: { message } }) =>
        level <= logLevel.WARN ? logger.debug({ kafka: message }, 'Kafka says') : undefined,
  });
