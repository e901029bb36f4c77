/** How we are known to Kafka; its library's own words go to our log. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type * as Kafkajs from 'kafkajs';
import type { Logger } from 'pino';
import type { KafkaSettings } from '../config/kafka.ts';

export interface KafkaOptions extends Pick<KafkaSettings, 'brokers' | 'tls' | 'sasl'> {
  readonly logger: Logger;
}

const load = createRequire(import.meta.url);

/** 143 modules, which only those wait for who have Kafka. */
export const kafkajs = (): typeof Kafkajs => load('kafkajs') as typeof Kafkajs; // by its own types

/** @throws when a file of the TLS settings cannot be read */
export const kafkaClient = ({ brokers, tls, sasl, logger }: KafkaOptions): Kafkajs.Kafka => {
  const { Kafka, logLevel } = kafkajs();
  return new Kafka({
    clientId: 'tidings',
    brokers: [...brokers],
    ...(tls === null ? {} : { ssl: sslOf(tls) }),
    ...(sasl === null ? {} : { sasl: { ...sasl } as Kafkajs.SASLOptions }), // one type per mechanism, all alike; the library writes into it
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
};

/** Read for each client, so that a renewed certificate counts from the next connection on. */
const sslOf = ({ caFile, client }: NonNullable<KafkaSettings['tls']>) => ({
  ...(caFile === null ? {} : { ca: [readFileSync(caFile)] }),
  ...(client === null ? {} : { cert: readFileSync(client.certFile), key: readFileSync(client.keyFile) }),
});
