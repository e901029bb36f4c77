/** The live stream as an async iterable that survives lost connections: each event once, in order, resumed by its id. */
import { either as E } from 'fp-ts';
import { LiveEvent, openLiveStream } from '../http/live.ts';
import type { ClientOptions } from './client.ts';
import { problemErrorOf } from './problem-error.ts';
import { parseEvents } from './sse-parser.ts';

export interface EventsOptions extends ClientOptions {
  /** Resume behind this id; left out, the stream begins now. */
  readonly lastEventId?: string;
  /** Ends the iteration. */
  readonly signal?: AbortSignal;
  /** Each time a connection stands. What happens from here on will be told. */
  readonly onOpen?: () => void;
  /** Told of each failure that is about to be met by another try. */
  readonly onRetry?: (cause: unknown) => void;
}

export interface ReceivedEvent {
  /** Keep it to resume with after a restart. */
  readonly id: string | null;
  /** Null for a type that this version of the client does not know. */
  readonly event: LiveEvent | null;
  /** As it came. */
  readonly json: string;
}

const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 10_000;
/** The server sends a heartbeat every 5 s; three missed ones are a dead connection. */
const SILENCE_MS = 15_000;

/** @throws ProblemError when the server refuses (400, 401, 403, 404): trying again would not help */
export async function* liveEvents(options: EventsOptions): AsyncGenerator<ReceivedEvent, void, undefined> {
  let lastId = options.lastEventId ?? null;
  let failures = 0;
  const ended = (): boolean => options.signal?.aborted === true;
  while (!ended()) {
    const connection = new AbortController();
    const silence = watchSilence(connection);
    const signal = options.signal === undefined ? connection.signal : AbortSignal.any([options.signal, connection.signal]);
    try {
      const body = await connect(options, lastId, signal);
      options.onOpen?.();
      for await (const { id, data } of parseEvents(body, { onLine: silence.reset })) {
        failures = 0;
        lastId = id ?? lastId;
        if (data !== null) yield { id: lastId, event: E.getOrElseW(() => null)(LiveEvent.decode(JSON.parse(data))), json: data };
      }
    } catch (thrown) {
      if (ended()) return;
      if (thrown instanceof Refused) throw thrown.problem;
      options.onRetry?.(thrown);
    } finally {
      silence.stop();
      connection.abort(); // also when the consumer stops early
    }
    failures += 1;
    await pause(Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1)) * (0.5 + Math.random() / 2), options.signal);
  }
}

class Refused extends Error {
  override readonly name = 'Refused';
  readonly problem: Error;
  constructor(problem: Error) {
    super(problem.message, { cause: problem });
    this.problem = problem;
  }
}

const connect = async (options: EventsOptions, lastId: string | null, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> => {
  const response = await (options.fetch ?? fetch)(`${options.baseUrl.replace(/\/$/, '')}${openLiveStream.path}`, {
    headers: {
      accept: 'text/event-stream',
      authorization: `Bearer ${await options.token()}`,
      ...(lastId === null ? {} : { 'last-event-id': lastId }),
    },
    signal,
  });
  if (response.ok && response.body !== null) return response.body;
  const problem = await problemErrorOf(response);
  if (response.status >= 500 || response.status === 429) throw problem;
  throw new Refused(problem);
};

/** Aborts a connection on which nothing comes any more. One timer, looked at rarely, however many lines come. */
const watchSilence = (connection: AbortController) => {
  let heardAt = Date.now();
  const timer = setInterval(() => {
    if (Date.now() - heardAt > SILENCE_MS) connection.abort(new Error('the live stream has gone silent'));
  }, SILENCE_MS / 5);
  return {
    reset: () => {
      heardAt = Date.now();
    },
    stop: () => clearInterval(timer),
  };
};

const pause = (ms: number, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
  });
