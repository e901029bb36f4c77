/** The live stream as an async iterable that survives lost connections: each event once, in order, resumed by its id. */
import * as E from 'fp-ts/lib/Either.js';
import { openLiveStream, StreamEvent } from '../http/live.ts';
import { takeSnapshot } from '../http/sync.ts';
import { connectEventSource, type EventSourceConstructor } from './event-source.ts';
import { backoffMs, pause } from './pause.ts';
import { ProblemError, problemErrorOf } from './problem-error.ts';
import { type ClientOptions, send, urlOf } from './send.ts';
import { parseEvents, type ServerSentEvent } from './sse-parser.ts';

export interface EventsOptions extends ClientOptions {
  /** Resume behind this id; left out, the stream begins now. */
  readonly lastEventId?: string;
  /** Ends the iteration. */
  readonly signal?: AbortSignal;
  /** Listens through this instead of `fetch`, with a ticket for each connection: where headers cannot be sent, or answers not be read as they come. */
  readonly EventSource?: EventSourceConstructor;
  /** Each time a connection stands. What happens from here on will be told. */
  readonly onOpen?: () => void;
  /** Told of each failure that is about to be met by another try. */
  readonly onRetry?: (cause: unknown) => void;
}

export interface ReceivedEvent {
  /** Keep it to resume with after a restart. An `EphemeralEvent` has none of its own and comes under the id before it. */
  readonly id: string | null;
  /**
   * Null for a type that this version of the client does not know. `Resync` says that events are missing: load everything afresh
   * (`takeSnapshot`), and go on listening.
   */
  readonly event: StreamEvent | null;
  /** As it came. */
  readonly json: string;
}

const LONGEST_RETRY_MS = 10_000;
/** The server sends a heartbeat every 5 s; three missed ones are a dead connection. */
const SILENCE_MS = 15_000;

/** @throws ProblemError when the server refuses (400, 401 though the token was renewed, 403, 404): trying again would not help */
export async function* liveEvents(options: EventsOptions): AsyncGenerator<ReceivedEvent, void, undefined> {
  let lastId = options.lastEventId ?? null;
  let failures = 0;
  const ended = (): boolean => options.signal?.aborted === true;
  while (!ended()) {
    const connection = new AbortController();
    const signal = options.signal === undefined ? connection.signal : AbortSignal.any([options.signal, connection.signal]);
    try {
      // An EventSource keeps to itself the id that a stream begins with, so it is given one.
      if (options.EventSource !== undefined) lastId ??= await cursorNow(options, signal);
      const events = await connect(options, lastId, connection, signal);
      options.onOpen?.();
      for await (const { id, data } of events) {
        failures = 0;
        lastId = id ?? lastId;
        if (data !== null) yield { id: lastId, event: E.getOrElseW(() => null)(StreamEvent.decode(JSON.parse(data))), json: data };
      }
    } catch (thrown) {
      if (ended()) return;
      if (isRefusal(thrown)) throw thrown;
      options.onRetry?.(thrown);
    } finally {
      connection.abort(); // also when the consumer stops early
    }
    failures += 1;
    await pause(backoffMs(failures, LONGEST_RETRY_MS), options.signal);
  }
}

const isRefusal = (thrown: unknown): boolean => thrown instanceof ProblemError && thrown.status < 500 && thrown.status !== 429;

const cursorNow = async (options: EventsOptions, signal: AbortSignal): Promise<string> => {
  const answer = await send(options, takeSnapshot, { signal });
  return ((await answer.json()) as { readonly cursor: string }).cursor; // the contract of the route
};

const connect = async (
  options: EventsOptions,
  lastId: string | null,
  connection: AbortController,
  signal: AbortSignal,
): Promise<AsyncIterable<ServerSentEvent>> => {
  if (options.EventSource !== undefined && lastId !== null) return connectEventSource(options.EventSource, options, lastId, signal);
  const token = await options.token();
  let response = await open(options, lastId, token, signal);
  if (response.status === 401) {
    const newer = await options.token(token);
    if (newer !== token) {
      await response.body?.cancel();
      response = await open(options, lastId, newer, signal);
    }
  }
  if (!response.ok || response.body === null) throw await problemErrorOf(response);
  return listen(response.body, connection);
};

const open = (options: EventsOptions, lastId: string | null, token: string, signal: AbortSignal): Promise<Response> =>
  (options.fetch ?? fetch)(urlOf(options.baseUrl, openLiveStream, {}), {
    headers: { accept: 'text/event-stream', authorization: `Bearer ${token}`, ...(lastId === null ? {} : { 'last-event-id': lastId }) },
    signal,
  });

/** Ends a connection on which nothing comes any more. One timer, looked at rarely, however many lines come. */
async function* listen(body: ReadableStream<Uint8Array>, connection: AbortController): AsyncGenerator<ServerSentEvent, void, undefined> {
  let heardAt = Date.now();
  const timer = setInterval(() => {
    if (Date.now() - heardAt > SILENCE_MS) connection.abort(new Error('the live stream has gone silent'));
  }, SILENCE_MS / 5);
  try {
    yield* parseEvents(chunksOf(body), { onLine: () => (heardAt = Date.now()) });
  } finally {
    clearInterval(timer);
  }
}

/** Not every browser iterates streams itself. */
async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.releaseLock();
  }
}
