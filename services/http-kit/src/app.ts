/** The Fastify application that every HTTP service is built on: body rules, error body, CORS, security headers, traces, metrics. */
import { withTrace, type TraceContext } from '@tidings/infra/telemetry/trace-context';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Platform } from '../../platform/src/platform.ts';
import type { Identity } from './auth/identity.ts';
import { unversioned } from './api-version.ts';
import { allowBrowsers } from './cors.ts';
import type { Actor } from './ctx.ts';
import { ApiError, problemOf, toApiError } from './errors.ts';
import { observe, traceOf } from './observe.ts';
import { createRateLimiter, type RateLimiter } from './rate-limits.ts';
import { cutOffSlowSenders, PATIENCE, type Patience } from './slow-senders.ts';
import { turnAwayWhileStopping } from './stopping.ts';

declare module 'fastify' {
  interface FastifyInstance {
    readonly identity: Identity;
    /** Whether `handle` holds answers against their codec. */
    readonly checkResponses: boolean;
    readonly rateLimiter: RateLimiter;
  }
  interface FastifyRequest {
    /** Set by `handle` before the body is read; null on public routes. */
    actor: Actor | null;
    /** From `traceparent`, or new. */
    trace: TraceContext;
  }
}

export interface HttpAppOptions {
  readonly identity: Identity;
  /** The one origin whose pages may call us; none when absent. */
  readonly corsOrigin?: string | null;
  readonly checkResponses?: boolean;
  /** With slow senders; tests have less. */
  readonly patience?: Patience;
}

/** Chat-contract §1.1: 5 MiB on every route. */
export const BODY_LIMIT = 5 * 1024 * 1024;

export const createHttpApp = (platform: Platform, options: HttpAppOptions): FastifyInstance => {
  const patience = options.patience ?? PATIENCE;
  const app = Fastify({
    logger: false, // observe.ts writes one line per request with our trace id
    bodyLimit: BODY_LIMIT,
    requestTimeout: patience.largest,
    http: { headersTimeout: 30_000 },
    keepAliveTimeout: 75_000,
    rewriteUrl: ({ url = '/' }) => unversioned(url),
    forceCloseConnections: 'idle',
    return503OnClosing: false, // stopping.ts says more
    routerOptions: { maxParamLength: 512, ignoreTrailingSlash: false },
    frameworkErrors: (error, request, reply) => {
      request.trace = traceOf(request); // no hook ran for a URL that cannot be routed
      void sendProblem(platform, error, request, reply.header('trace-id', request.trace.traceId));
    },
  });
  app.decorate('identity', options.identity);
  app.decorate('checkResponses', options.checkResponses ?? false);
  app.decorate('rateLimiter', createRateLimiter(platform.config.http.rateLimits, platform.metrics));
  app.decorateRequest('actor', null);
  app.decorateRequest('trace');
  cutOffSlowSenders(app, patience);
  acceptJsonOnly(app);
  observe(app, platform);
  allowBrowsers(app, options.corsOrigin ?? null);
  turnAwayWhileStopping(app);
  const allowedMethods = collectMethods(app);
  app.setErrorHandler((thrown, request, reply) => sendProblem(platform, thrown, request, reply));
  app.setNotFoundHandler((request, reply) => {
    const allowed = allowedMethods(request.url);
    const error =
      allowed.length === 0
        ? new ApiError('CONTENT_NOT_FOUND', 'There is nothing at this path.')
        : new ApiError('METHOD_NOT_ALLOWED', `This path takes ${allowed.join(', ')}.`, { headers: { allow: allowed.join(', ') } });
    return sendProblem(platform, error, request, reply);
  });
  return app;
};

/** Only JSON bodies; an empty one is no body, whatever its content type (clients send the header on bodiless POSTs). */
const acceptJsonOnly = (app: FastifyInstance): void => {
  app.removeAllContentTypeParsers();
  const parse = app.getDefaultJsonParser('error', 'error'); // refuses `__proto__` and `constructor.prototype`
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body: string, done) => {
    if (body === '') done(null, undefined);
    else void parse(request, body, done); // it calls `done`
  });
};

const sendProblem = (platform: Platform, thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
  const error = toApiError(thrown, platform.changingReadModels());
  const { traceId } = request.trace;
  if (error.status >= 500) {
    const level = error.code === 'UNEXPECTED_ERROR' ? 'error' : 'warn';
    withTrace(request.trace, () =>
      platform.logger[level]({ err: error.cause ?? error, route: request.routeOptions.url, code: error.code }, error.message),
    );
  }
  const path = request.routeOptions.url?.replaceAll(/:(\w+)/g, '{$1}') ?? null;
  // Who is still sending would be cut off by a close, and not hear why (RFC 9112 §9.6): let it finish, within our `Patience`.
  if (error.code === 'CONTENT_TOO_LARGE' || error.code === 'UNSUPPORTED_MEDIA_TYPE') letItFinish(request, reply);
  return reply
    .code(error.status)
    .headers(error.headers)
    .type('application/problem+json')
    .send(JSON.stringify(problemOf(error, { path, traceId, now: platform.now() })));
};

/** What still comes of the body is read and thrown away. */
const letItFinish = (request: FastifyRequest, reply: FastifyReply): void => {
  reply.removeHeader('connection');
  request.raw.resume();
};

/** Remembers which methods each registered path takes, to tell 405 from 404. */
const collectMethods = (app: FastifyInstance): ((url: string) => readonly string[]) => {
  const known: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = [];
  app.addHook('onRoute', (route) => {
    if (route.url.includes('*')) return;
    const pattern = route.url
      .split('/')
      .map((part) => (part.startsWith(':') ? '[^/]+' : part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)))
      .join('/');
    known.push({ pattern: new RegExp(`^${pattern}$`), methods: [route.method].flat() });
  });
  return (url) => {
    const path = url.split('?', 1)[0] ?? '';
    return [...new Set(known.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods))].sort();
  };
};
