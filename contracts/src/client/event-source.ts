/**
 * The live stream through an `EventSource`, for platforms whose `fetch` cannot read an answer while it comes (React Native) or where a page must not
 * use it. An EventSource sends no headers, so each connection is let in by a ticket; and since it would come back with a spent one, coming back
 * is the caller's.
 */
import { createStreamTicket } from '../http/sync.ts';
import { openLiveStream } from '../http/live.ts';
import { type ClientOptions, send, urlOf } from './send.ts';
import type { ServerSentEvent } from './sse-parser.ts';

/** What of an `EventSource` is used. */
export interface EventSourceLike {
  addEventListener(type: 'open' | 'message' | 'error', listener: (event: Arrival) => void): void;
  close(): void;
}
interface Arrival {
  readonly data?: unknown;
  readonly lastEventId?: string;
}
export type EventSourceConstructor = new (url: string) => EventSourceLike;

/** It does not show comments, so a connection that died in silence is only noticed by its age. Resuming is exact and cheap. */
const QUIET_MS = 120_000;

/** Resolves once the connection stands. The events end when it breaks, when `signal` ends, or when nothing came for long. */
export const connectEventSource = async (
  EventSource: EventSourceConstructor,
  options: ClientOptions,
  lastId: string,
  signal: AbortSignal,
): Promise<AsyncGenerator<ServerSentEvent, void, undefined>> => {
  const answer = await send(options, createStreamTicket, { signal });
  const { ticket } = (await answer.json()) as { readonly ticket: string }; // the contract of the route
  const source = new EventSource(urlOf(options.baseUrl, openLiveStream, { query: { ticket, lastEventId: lastId } }));
  const arrived: ServerSentEvent[] = [];
  let over = false;
  let wake = (): void => {};
  const end = (): void => {
    over = true;
    source.close();
    signal.removeEventListener('abort', end);
    wake();
  };
  signal.addEventListener('abort', end);
  source.addEventListener('message', ({ data, lastEventId = '' }) => {
    arrived.push({ id: lastEventId === '' ? null : lastEventId, data: String(data) });
    wake();
  });
  await new Promise<void>((resolve, reject) => {
    wake = () => reject(new Error('the live stream could not be opened'));
    source.addEventListener('open', () => resolve());
    source.addEventListener('error', end);
    if (signal.aborted) end();
  });
  return (async function* () {
    try {
      while (!over || arrived.length > 0) {
        if (arrived.length === 0) {
          await new Promise<void>((resolve) => {
            const quiet = setTimeout(end, QUIET_MS);
            wake = () => {
              clearTimeout(quiet);
              resolve();
            };
          });
        }
        yield* arrived.splice(0);
      }
    } finally {
      end();
    }
  })();
};
