/**
 * Registers a `Route` value on Fastify: authenticates, decodes once by the route's codecs, runs the handler and encodes its answer.
 * A handler sees typed values only and throws `ApiError` (or lets `orReject` do so); `app.ts` turns every throw into the problem body.
 */
import { decode, type FieldError } from '@tidings/contracts/codec';
import type { Route } from '@tidings/contracts/http/route';
import { timestamp } from '@tidings/contracts/time';
import type { RateClass } from '@tidings/infra/config/rate-limits';
import { withTrace } from '@tidings/infra/telemetry/trace-context';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import type { Platform } from '../../platform/src/platform.ts';
import { bearerToken } from './auth/bearer.ts';
import { type Actor, Bytes, type Ctx, type PublicCtx } from './ctx.ts';
import { ApiError, invalid } from './errors.ts';
import { operationOf, reserve } from './idempotency.ts';
import { AcceptedEarly, awaitRequestedPosition, settler } from './settle.ts';

export interface HandleOptions {
  /** Projections this route reads: a request with `Tidings-Position` waits until they have applied that position. */
  readonly reads?: readonly string[];
  /**
   * For POSTs that create: the log refuses the same `Idempotency-Key` with other content (422), and `ctx.retried` tells a repetition.
   * Costs one more event, for requests that bring a key only.
   */
  readonly idempotent?: boolean;
  /**
   * What a request counts as for its caller's rate limits; by default a GET is one of the `reads`, anything else one of the `writes`. With an
   * admin token it is `service`, whatever stands here.
   */
  readonly rateClass?: RateClass;
  /** Asked first; null leaves it to the bearer token. @throws ApiError 401 */
  readonly identify?: Identify;
}

/** Who asks, where a request may say so otherwise than by a bearer token. */
export type Identify = (request: FastifyRequest) => Promise<Actor | null>;

/** What a handler may answer with: the response type, or `bytes(…)`. A handler that hijacks the reply answers nothing. */
export type Answer<R extends t.Mixed> = Promise<t.TypeOf<R> | Bytes>;

/** @throws when the route is public: use `handlePublic`, whose context promises no actor */
export const handle = <P extends t.Mixed, Q extends t.Mixed, B extends t.Mixed, R extends t.Mixed>(
  app: FastifyInstance,
  platform: Platform,
  route: Route<P, Q, B, R>,
  handler: (ctx: Ctx<t.TypeOf<P>, t.TypeOf<Q>, t.TypeOf<B>>) => Answer<R>,
  options: HandleOptions = {},
): void => {
  if (route.public) throw new Error(`route ${route.id} is public: register it with handlePublic`);
  const rateClass = options.rateClass ?? (route.method === 'GET' ? 'reads' : 'writes');
  app.route({
    ...shared(route),
    onRequest: async (request, reply) => {
      request.actor = await authenticate(app, request, reply, options.identify);
      app.rateLimiter.take(request.actor.isAdmin ? 'service' : rateClass, request.actor.userId, reply);
    },
    handler: async (request, reply) => {
      const actor = request.actor;
      if (actor === null) throw new Error(`route ${route.id} reached its handler without an actor`);
      const decoded = decodeRequest(route, platform, request, reply);
      const operation = operationOf(route, actor.userId, request, decoded);
      await awaitRequestedPosition(platform, request, options.reads ?? []);
      const retried = options.idempotent === true && (await reserve(platform, operation));
      const ctx: Ctx<t.TypeOf<P>, t.TypeOf<Q>, t.TypeOf<B>> = {
        ...decoded,
        actor,
        operationId: operation.id,
        idempotencyKey: operation.key,
        context: { commandId: operation.commandId, traceId: request.trace.traceId },
        retried,
        settle: settler(platform, request, reply),
      };
      try {
        return answer(app, route, reply, await withTrace(request.trace, () => handler(ctx)));
      } catch (thrown) {
        if (thrown instanceof AcceptedEarly) return reply.code(202).send();
        throw thrown;
      }
    },
  });
};

/** A valid token always passes, whatever else comes from its address: others may share that (a proxy, an office). */
const authenticate = async (app: FastifyInstance, request: FastifyRequest, reply: FastifyReply, identify?: Identify): Promise<Actor> => {
  try {
    const identified = await identify?.(request);
    return identified ?? (await app.identity.authenticate(bearerToken(request.headers.authorization)));
  } catch (thrown) {
    if (thrown instanceof ApiError && thrown.status === 401) app.rateLimiter.take('failures', request.ip, reply);
    throw thrown;
  }
};

/** As `handle`, for routes that everyone may call. */
export const handlePublic = <P extends t.Mixed, Q extends t.Mixed, B extends t.Mixed, R extends t.Mixed>(
  app: FastifyInstance,
  platform: Platform,
  route: Route<P, Q, B, R>,
  handler: (ctx: PublicCtx<t.TypeOf<P>, t.TypeOf<Q>, t.TypeOf<B>>) => Answer<R>,
): void => {
  if (!route.public) throw new Error(`route ${route.id} is not public: register it with handle`);
  app.route({
    ...shared(route),
    handler: async (request, reply) => {
      const ctx = decodeRequest(route, platform, request, reply);
      return answer(app, route, reply, await withTrace(request.trace, () => handler(ctx)));
    },
  });
};

const shared = (route: Route): Pick<RouteOptions, 'method' | 'url' | 'exposeHeadRoute'> => ({
  method: route.method,
  url: route.path.replaceAll(/\{(\w+)\}/g, ':$1'),
  // A HEAD of a stream would open one; a HEAD of anything else is a GET without its body.
  exposeHeadRoute: route.method === 'GET' && route.produces !== 'event-stream',
});

const decodeRequest = <P extends t.Mixed, Q extends t.Mixed, B extends t.Mixed>(
  route: Route<P, Q, B>,
  platform: Platform,
  request: FastifyRequest,
  reply: FastifyReply,
): PublicCtx<t.TypeOf<P>, t.TypeOf<Q>, t.TypeOf<B>> => {
  const params = decode<t.TypeOf<P>>(route.params, request.params);
  const query = decode<t.TypeOf<Q>>(route.query, request.query);
  // `t.void` means "no body is read": a client that sends `{}` all the same does no harm.
  const body = decode<t.TypeOf<B>>(route.body, route.body instanceof t.VoidType ? undefined : request.body);
  if (E.isLeft(params) || E.isLeft(query) || E.isLeft(body)) throw invalid([params, query, body].flatMap(faults));
  return {
    params: params.right,
    query: query.right,
    body: body.right,
    at: timestamp(platform.now()),
    traceId: request.trace.traceId,
    request,
    reply,
  };
};

const faults = (decoded: E.Either<readonly FieldError[], unknown>): readonly FieldError[] => (E.isLeft(decoded) ? decoded.left : []);

const answer = (app: FastifyInstance, route: Route, reply: FastifyReply, value: unknown): FastifyReply => {
  if (reply.sent) return reply; // hijacked for a stream
  if (value instanceof Bytes) return reply.type(value.contentType).send(value.source);
  switch (route.produces) {
    case 'json':
      if (app.checkResponses) checkResponse(route, value);
      return reply.type('application/json; charset=utf-8').send(JSON.stringify(value));
    case 'text':
      return reply.type('text/plain; charset=utf-8').send(value);
    case 'empty':
      return reply.send();
    case 'rfc822':
    case 'binary':
    case 'event-stream':
      throw new Error(`route ${route.id} produces ${route.produces}: answer with bytes(…) or hijack the reply`);
  }
};

/** In tests: an answer that breaks its own contract is a fault here, not at the client. */
const checkResponse = (route: Route, value: unknown): void => {
  const plain: unknown = value === undefined ? undefined : JSON.parse(JSON.stringify(value));
  const decoded = decode(route.response, plain);
  if (E.isLeft(decoded)) {
    throw new Error(
      `route ${route.id} answered against its contract: ${decoded.left.map(({ path, message }) => `${path} ${message}`).join('; ')}`,
    );
  }
};
