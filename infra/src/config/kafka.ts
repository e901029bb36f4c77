/** Variables about Kafka: where it is, what goes there, and how we prove to each other who we are. */
import { flag, names, optionalText, variable, word } from './variable.ts';

const HOST_AND_PORT = /^[^\s:,]+:\d{1,5}$/;

export const kafkaVariables = {
  KAFKA_BROKERS: names('addresses host:port with commas between them', HOST_AND_PORT).means(
    'The Kafka that push notifications are handed to and custom ones come from; without it there is none.',
  ),
  KAFKA_LOG_TOPIC: variable<string | null>('the name of a topic: 1 to 249 letters, digits, dots, hyphens and underscores', null, (name) =>
    /^[\w.-]{1,249}$/.test(name) ? name : undefined,
  ).means('The topic that `relay` publishes every event of the log to, in order within each stream; without it none.'),
  PROJECT_FROM: word<'log' | 'kafka'>('log', 'kafka').means(
    'Where projectors follow new events: at the log itself, or by way of `KAFKA_LOG_TOPIC`, which spares the log when projectors are many.',
  ),
  KAFKA_TLS: flag(false).means('Whether Kafka is reached by TLS; its certificate has to be valid for the name of each broker.'),
  KAFKA_TLS_CA_FILE: optionalText.means('A PEM file with the authorities that may vouch for Kafka; without it those that Node knows.'),
  KAFKA_TLS_CERT_FILE: optionalText.means('A PEM file with the certificate that we show to Kafka, if it wants one.'),
  KAFKA_TLS_KEY_FILE: optionalText.means('The key of `KAFKA_TLS_CERT_FILE`.'),
  KAFKA_SASL_MECHANISM: word('plain', 'scram-sha-256', 'scram-sha-512').means(
    'How we log in to Kafka when there is a `KAFKA_SASL_USERNAME`. `plain` shows the password to whoever reads the network: with `KAFKA_TLS` only.',
  ),
  KAFKA_SASL_USERNAME: optionalText.means('The user we log in to Kafka as; without it we do not.'),
  KAFKA_SASL_PASSWORD: optionalText.means('The password of `KAFKA_SASL_USERNAME`.'),
};

export interface KafkaSettings {
  /** `host:port` each; empty: no Kafka. */
  readonly brokers: readonly string[];
  /** Of all events; null: none. */
  readonly logTopic: string | null;
  readonly projectFrom: 'log' | 'kafka';
  /** null: in the clear. Paths of PEM files. */
  readonly tls: {
    readonly caFile: string | null;
    readonly client: { readonly certFile: string; readonly keyFile: string } | null;
  } | null;
  /** null: without logging in. */
  readonly sasl: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: string;
    readonly password: string;
  } | null;
}

type Values = { readonly [K in keyof typeof kafkaVariables]: (typeof kafkaVariables)[K]['fallback'] };

/** What does not go together, a sentence each. */
export const kafkaFaults = (env: Values): readonly string[] => {
  const isPlain = env.KAFKA_SASL_USERNAME !== null && env.KAFKA_SASL_MECHANISM === 'plain';
  return [
    ...(env.KAFKA_LOG_TOPIC !== null && env.KAFKA_BROKERS.length === 0 ? ['KAFKA_BROKERS must be set when KAFKA_LOG_TOPIC is'] : []),
    ...(env.PROJECT_FROM === 'kafka' && env.KAFKA_LOG_TOPIC === null ? ['KAFKA_LOG_TOPIC must be set when PROJECT_FROM is kafka'] : []),
    ...((env.KAFKA_SASL_USERNAME === null) === (env.KAFKA_SASL_PASSWORD === null)
      ? []
      : ['KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD must be set together']),
    ...(isPlain && !env.KAFKA_TLS
      ? ['KAFKA_TLS must be on when KAFKA_SASL_MECHANISM is plain: the password would be sent in the clear']
      : []),
    ...((env.KAFKA_TLS_CERT_FILE === null) === (env.KAFKA_TLS_KEY_FILE === null)
      ? []
      : ['KAFKA_TLS_CERT_FILE and KAFKA_TLS_KEY_FILE must be set together']),
    ...(env.KAFKA_TLS
      ? []
      : (['KAFKA_TLS_CA_FILE', 'KAFKA_TLS_CERT_FILE'] as const)
          .filter((name) => env[name] !== null)
          .map((name) => `KAFKA_TLS must be on when ${name} is set`)),
  ];
};

export const kafkaOf = (env: Values): KafkaSettings => {
  const { KAFKA_TLS_CERT_FILE: certFile, KAFKA_TLS_KEY_FILE: keyFile, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = env;
  return {
    brokers: env.KAFKA_BROKERS,
    logTopic: env.KAFKA_LOG_TOPIC,
    projectFrom: env.PROJECT_FROM,
    tls: env.KAFKA_TLS
      ? { caFile: env.KAFKA_TLS_CA_FILE, client: certFile === null || keyFile === null ? null : { certFile, keyFile } }
      : null,
    sasl: username === null || password === null ? null : { mechanism: env.KAFKA_SASL_MECHANISM, username, password },
  };
};
