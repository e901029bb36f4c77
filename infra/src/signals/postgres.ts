/**
 * Signals between processes by NOTIFY, on connections of their own: inside the append transaction a NOTIFY would serialise commits
 * database-wide. Subscribers in this process are told directly; the rest is best effort, as the port says.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Signals, Topic } from '@tidings/contracts/ports/signals';
import pg from 'pg';
import type { Logger } from 'pino';
import { silenceWatchOf, watchClient } from '../postgres/silence.ts';
import { createListeners } from './in-process.ts';

export interface PostgresSignalsOptions {
  readonly url: string;
  readonly logger?: Logger;
}

export interface PostgresSignals extends Signals {
  /** Resolves once this process hears others on the topics that it has subscribed to (and after an outage, hears them again). */
  listening(): Promise<void>;
}

/** One channel per topic, and nobody listens to what it does not want: each notification wakes every process that does. */
const channelOf = (topic: Topic): string => `tidings_${topic}`;
const MAX_PAYLOAD_BYTES = 4_000;
/** At most one NOTIFY statement in this time, with everything that gathered: each wakes a process at the other end. */
const PAUSE_MS = 10;
/** The same while they keep coming, as under load. */
const BUSY_PAUSE_MS = 25;
/** Beyond this the oldest are dropped: they are hints. */
const MAX_PENDING = 1_000;
const RECONNECT_MS = { first: 50, most: 1_000 };

export const postgresSignals = ({ url, logger }: PostgresSignalsOptions): PostgresSignals => {
  const self = randomBytes(6).toString('base64url');
  const listeners = createListeners(logger);
  const closing = new AbortController();
  const pending = new Map<string, { readonly channel: string; readonly message: string }>();
  const wanted = new Set<Topic>();
  let listenTo: (topic: Topic) => void = () => undefined;
  let sending: Promise<void> | null = null;
  let wakeSender: () => void = () => undefined;
  let hearing = Promise.withResolvers<void>();
  /** The latest LISTEN on the connection. */
  let listened: Promise<unknown> = Promise.resolve();

  const receive = (channel: string, message: string): void => {
    const topic = channel.slice(channelOf('' as Topic).length) as Topic; // we listen to our own topics only
    const end = message.indexOf(' ');
    if (message.slice(0, end) !== self) listeners.tell(topic, message.slice(end + 1));
  };

  const listen = (): Promise<void> =>
    keepConnected({ url, name: 'tidings signals listen', signal: closing.signal, logger }, async (client, ended) => {
      client.on('notification', ({ channel, payload }) => receive(channel, payload ?? ''));
      listened = Promise.resolve();
      /** A connection takes one statement at a time. */
      const inTurn = (topic: Topic): Promise<unknown> =>
        (listened = listened.catch(() => undefined).then(() => client.query(`listen ${channelOf(topic)}`)));
      listenTo = (topic) => void inTurn(topic).catch(() => undefined); // a broken connection is made anew
      await Promise.all(Array.from(wanted, inTurn));
      hearing.resolve();
      await ended;
      listenTo = () => undefined;
      hearing = Promise.withResolvers<void>();
    });

  const send = (): Promise<void> => {
    let hasBroken = false;
    return keepConnected({ url, name: 'tidings signals notify', signal: closing.signal, logger }, async (client, ended) => {
      // Said of a server that may have crashed, and not true of what it has lost.
      if (hasBroken) pending.clear();
      hasBroken = true;
      let alive = true;
      let readyAt = Number.NEGATIVE_INFINITY;
      void ended.then(() => {
        alive = false;
        wakeSender();
      });
      while (alive && !closing.signal.aborted) {
        if (pending.size === 0) {
          await new Promise<void>((resolve) => {
            wakeSender = resolve;
          });
          continue;
        }
        const pause = performance.now() - readyAt < PAUSE_MS ? BUSY_PAUSE_MS : PAUSE_MS;
        const signals = [...pending.values()];
        pending.clear();
        await client.query({
          name: 'notify',
          text: 'select pg_notify(c, m) from unnest($1::text[], $2::text[]) s(c, m)',
          values: [signals.map(({ channel }) => channel), signals.map(({ message }) => message)],
        });
        await delay(pause, undefined, { signal: closing.signal }).catch(() => undefined);
        readyAt = performance.now();
      }
    });
  };

  const listening = listen();
  return {
    publish: (topic, payload, key = payload) => {
      if (Buffer.byteLength(payload) > MAX_PAYLOAD_BYTES) throw new RangeError(`a signal carries at most ${MAX_PAYLOAD_BYTES} bytes`);
      if (closing.signal.aborted) return;
      listeners.tell(topic, payload);
      const [oldest] = pending.keys();
      if (oldest !== undefined && pending.size >= MAX_PENDING) pending.delete(oldest);
      pending.set(`${topic} ${key}`, { channel: channelOf(topic), message: `${self} ${payload}` });
      sending ??= send();
      wakeSender();
    },
    subscribe: (topic, listener) => {
      if (!wanted.has(topic)) {
        wanted.add(topic);
        listenTo(topic);
      }
      return listeners.add(topic, listener);
    },
    listening: async () => {
      await hearing.promise;
      await listened.catch(() => undefined); // a broken connection is made anew
    },
    close: async () => {
      closing.abort();
      wakeSender();
      listeners.clear();
      await Promise.all([listening, sending]);
    },
  };
};

interface Connection {
  readonly url: string;
  readonly name: string;
  readonly signal: AbortSignal;
  readonly logger: Logger | undefined;
}

/** Runs `work` on a connection, and again on a new one whenever it breaks, until `signal` aborts. `ended` resolves when it is over. */
const keepConnected = async (
  { url, name, signal, logger }: Connection,
  work: (client: pg.Client, ended: Promise<void>) => Promise<void>,
): Promise<void> => {
  for (let pause = RECONNECT_MS.first; !signal.aborted;) {
    const client = new pg.Client({
      ...{ connectionString: url, application_name: name, connectionTimeoutMillis: 3_000 },
      ...{ keepAlive: true, keepAliveInitialDelayMillis: 10_000 },
    });
    const over = Promise.withResolvers<void>();
    const end = (): void => over.resolve();
    client.on('error', end);
    client.on('end', end);
    signal.addEventListener('abort', end);
    try {
      await client.connect();
      watchClient(client, silenceWatchOf(url, logger)); // nobody waits on it: others, who do, find out for it
      pause = RECONNECT_MS.first;
      await work(client, over.promise);
    } catch (error) {
      if (!signal.aborted) logger?.warn({ err: error, connection: name }, 'a signal connection broke; trying again');
    }
    signal.removeEventListener('abort', end);
    await Promise.race([client.end().catch(() => undefined), delay(500, undefined, { ref: false })]);
    if (signal.aborted) return;
    await delay(pause * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
    pause = Math.min(pause * 2, RECONNECT_MS.most);
  }
};
