/** Which pages may call us from a browser, and what browsers may do with our answers. */
import type { FastifyInstance } from 'fastify';

const METHODS = 'GET, POST, PUT, PATCH, DELETE, OPTIONS';
const REQUEST_HEADERS =
  'Authorization, Accept, Content-Type, Content-Length, Connection, Origin, Idempotency-Key, Prefer, Tidings-Position, Last-Event-ID, traceparent';
const EXPOSED =
  'Tidings-Position, Preference-Applied, Retry-After, Location, ETag, Content-Disposition, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, RateLimit-Policy';

/** @param origin the one exact origin (`https://app.example.org`), or null: then no foreign page may read an answer */
export const allowBrowsers = (app: FastifyInstance, origin: string | null): void => {
  app.addHook('onRequest', async (request, reply) => {
    // Defaults for an API; a route that serves a page sets its own policy over these.
    reply.headers({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
      'cache-control': 'no-store',
    });
    if (origin === null) return;
    reply.header('vary', 'Origin');
    if (request.headers.origin !== origin) return;
    reply.headers({
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': EXPOSED,
    });
    // A preflight (Fetch §4.8) is answered here: it carries no token, so it must come before authentication.
    if (request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined) {
      await reply
        .headers({
          'access-control-allow-methods': METHODS,
          'access-control-allow-headers': REQUEST_HEADERS,
          'access-control-max-age': '600',
        })
        .code(204)
        .send();
    }
  });
};
