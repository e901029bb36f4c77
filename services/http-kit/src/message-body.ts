/** Routes whose body is a whole mail. */
import type { Route } from '@tidings/contracts/http/route';
import type { WholeMessage } from '@tidings/contracts/http/whole-message';
import type { FastifyInstance } from 'fastify';
import type * as t from 'io-ts';
import type { Platform } from '../../platform/src/platform.ts';
import type { Ctx } from './ctx.ts';
import { ApiError } from './errors.ts';
import { type Answer, handle, type HandleOptions } from './handle.ts';
import { allowForFile } from './slow-senders.ts';

/** As `handle`, for a route whose body is a `WholeMessage`; counts as one of the `uploads`. */
export const handleMessage = <P extends t.Mixed, Q extends t.Mixed, R extends t.Mixed>(
  app: FastifyInstance,
  platform: Platform,
  route: Route<P, Q, WholeMessage, R>,
  handler: (ctx: Ctx<t.TypeOf<P>, t.TypeOf<Q>, Uint8Array>) => Answer<R>,
  options: HandleOptions = {},
): void => {
  const { maxBytes } = route.body;
  // A scope of its own: everywhere else such a body is 415.
  void app.register(async (scope) => {
    scope.removeContentTypeParser('application/json');
    scope.addContentTypeParser('message/rfc822', { parseAs: 'buffer', bodyLimit: maxBytes }, (_request, body, done) => done(null, body));
    scope.addContentTypeParser('*', (_request, _payload, done) => {
      done(new ApiError('UNSUPPORTED_MEDIA_TYPE', 'The body must be message/rfc822.'));
    });
    scope.addHook('preParsing', async (request) => {
      allowForFile(request.raw);
      if (Number(request.headers['content-length']) > maxBytes) {
        throw new ApiError('CONTENT_TOO_LARGE', `The message is over ${Math.floor(maxBytes / (1024 * 1024))} MiB.`);
      }
    });
    handle(scope, platform, route, handler, { rateClass: 'uploads', ...options });
  });
};
