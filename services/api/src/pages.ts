/** What a visitor sees: a welcome, the API's description, and a page to try it, all from this server (nothing is loaded from elsewhere). */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { openApiDocument } from '@tidings/contracts/http/openapi';
import { getOpenApi, welcome } from '@tidings/contracts/http/system';
import type { FastifyPluginAsync } from 'fastify';
import { bytes } from '../../http-kit/src/ctx.ts';
import { handlePublic } from '../../http-kit/src/handle.ts';
import type { Platform } from '../../platform/src/platform.ts';

export interface PagesOptions {
  readonly version: string;
  /** Asked at the first visit. */
  readonly issuer: () => string;
  /** The OAuth client that the page logs in as. */
  readonly clientId: string;
}

export const pages = (platform: Platform, options: PagesOptions): FastifyPluginAsync => {
  let rendered: string | null = null;
  const description = (): string => (rendered ??= JSON.stringify(openApiDocument({ version: options.version, issuer: options.issuer() })));

  return async (app) => {
    handlePublic(app, platform, welcome, async () => WELCOME);
    handlePublic(app, platform, getOpenApi, async () => bytes(description(), 'application/json; charset=utf-8'));
    await app.register(swagger, { mode: 'static', specification: { document: {} as never } }); // the real one is given below, when the issuer is known
    await app.register(swaggerUi, {
      routePrefix: '/docs',
      transformSpecification: () => JSON.parse(description()) as Record<string, unknown>, // what we wrote ourselves
      transformSpecificationClone: false,
      uiConfig: { tryItOutEnabled: true, persistAuthorization: true, displayRequestDuration: true, docExpansion: 'list' },
      initOAuth: { clientId: options.clientId, usePkceWithAuthorizationCodeGrant: true, scopes: ['openid', 'profile', 'email'] },
      staticCSP: 'self-only', // replaced at each answer, because the issuer's origin is part of it
      transformStaticCSP: () =>
        [
          "default-src 'none'",
          "script-src 'self'",
          "style-src 'self' 'unsafe-inline'", // Swagger UI sets style attributes
          "img-src 'self' data:",
          "font-src 'self' data:",
          `connect-src 'self' ${new URL(options.issuer()).origin}`,
          "base-uri 'self'",
          "form-action 'self'",
          "frame-ancestors 'none'",
        ].join('; '),
    });
  };
};

const WELCOME = `Welcome to Tidings: chat and mail, kept as events in one log.

  /docs          try every call in the browser
  /openapi.json  the same for tools
  /health        is it up?
`;
