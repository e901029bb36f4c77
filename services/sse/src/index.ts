/** `GET /api/sse`: the live stream (architecture §6). `LiveFeed` follows the feed; this file is its door, and sells the tickets. */
import { openLiveStream, parseCursor, type LiveCursor } from '@tidings/contracts/http/live';
import { createStreamTicket } from '@tidings/contracts/http/sync';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type * as t from 'io-ts';
import { ApiError, invalid } from '../../http-kit/src/errors.ts';
import { type Actor, type Bytes, bytes, type Ctx } from '../../http-kit/src/ctx.ts';
import { handle } from '../../http-kit/src/handle.ts';
import type { Platform } from '../../platform/src/platform.ts';
import { LiveFeed, NotReady, TooManyStreams } from './live-feed.ts';
import type { Start } from './admission.ts';
import { type Tickets, ticketsOf } from './tickets.ts';

export { LiveFeed } from './live-feed.ts';
export { openPresence } from './presence.ts';

/** The routes of the live stream; `feed` is the service behind them, which ends with the server. */
export const sse =
  (platform: Platform, feed: LiveFeed = new LiveFeed(platform), tickets: Tickets = ticketsOf(platform)): FastifyPluginAsync =>
  (app) => {
    const stream = async ({ actor, query, request, reply }: StreamCtx): Promise<Bytes> => {
      const start = await startOf(feed, lastEventId(request.headers['last-event-id']) ?? query.lastEventId ?? null);
      const { socket } = request.raw;
      reply.hijack();
      sendHead(reply);
      feed.open(socket, actor, start);
      return bytes('', 'text/event-stream'); // the reply is ours already
    };
    handle(app, platform, openLiveStream, stream, { identify: async (request) => ticketHolder(tickets, request) });
    handle(app, platform, createStreamTicket, ({ actor }) => tickets.issue(actor));
    app.addHook('preClose', () => feed.stop());
    return Promise.resolve();
  };

type StreamCtx = Ctx<unknown, t.TypeOf<(typeof openLiveStream)['query']>>;

/** A token beside it wins: then the ticket is left for later. */
const ticketHolder = (tickets: Tickets, { headers, query }: FastifyRequest): Promise<Actor | null> => {
  const ticket = (query as { readonly ticket?: unknown } | null)?.ticket; // not decoded yet
  return headers.authorization === undefined && typeof ticket === 'string' ? tickets.redeem(ticket) : Promise.resolve(null);
};

/** The header wins over the query: browsers keep the URL they began with, and send the newest id beside it. Empty means none (§9.2.6). */
const lastEventId = (header: string | readonly string[] | undefined): LiveCursor | null => {
  if (header === undefined || header === '') return null;
  const cursor = typeof header === 'string' ? parseCursor(header) : null;
  if (cursor === null) throw invalid([{ path: 'Last-Event-ID', message: 'must be an id that this stream gave' }]);
  return cursor;
};

const startOf = async (feed: LiveFeed, after: LiveCursor | null): Promise<Start> => {
  try {
    return await feed.start(after);
  } catch (error) {
    if (error instanceof TooManyStreams) throw unavailable('Too many live streams are open. Try again shortly.', '5', error);
    if (error instanceof NotReady) throw unavailable('The live feed is not ready yet. Try again shortly.', '1', error);
    throw error;
  }
};

const unavailable = (message: string, retryAfter: string, cause: Error): ApiError =>
  new ApiError('SERVICE_UNAVAILABLE', message, { headers: { 'retry-after': retryAfter }, cause });

/**
 * The body has neither length nor chunks: it lasts as long as the connection (RFC 9112 §6.3), so that each event can be written to every
 * socket as the same bytes, and old proxies that speak HTTP/1.0 understand it too.
 */
const sendHead = (reply: FastifyReply): void => {
  const response = reply.raw;
  response.removeHeader('transfer-encoding');
  response.writeHead(200, {
    ...definedHeaders(reply),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
    connection: 'close',
  });
  response.flushHeaders();
};

/** What hooks have set so far (CORS, security headers). */
const definedHeaders = (reply: FastifyReply): Record<string, string | number | string[]> => {
  const headers: Record<string, string | number | string[]> = {};
  for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) headers[name] = value;
  return headers;
};
