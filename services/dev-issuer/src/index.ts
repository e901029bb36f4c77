/**
 * An OpenID Connect issuer for development, mounted below the API's own port. It hands tokens to anybody who knows a name, so it refuses to
 * start in production.
 */
import type { Config } from '@tidings/infra/config/config';
import type { FastifyPluginAsync } from 'fastify';
import { join } from 'node:path';
import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import type { Provider } from 'oidc-provider';
import { loadKeys } from './keys.ts';
import { handleLogin } from './login-page.ts';
import { ISSUER_PATH } from './names.ts';
import { demoPeople } from './people.ts';
import { createProvider } from './provider.ts';

export { ISSUER_PATH, PUBLIC_CLIENT, SERVICE_CLIENT, TOKEN_PATH } from './names.ts';
export { demoPeople, type DemoPerson } from './people.ts';

export interface DevIssuer {
  /** Answers everything below `ISSUER_PATH`. Register it on the API's Fastify. */
  readonly plugin: FastifyPluginAsync;
}

export interface DevIssuerOptions {
  readonly config: Pick<Config, 'environment' | 'dataDir' | 'mailDomains' | 'oidc'>;
  readonly logger: Logger;
  /** Where clients reach the API, such as `http://localhost:8080`; asked at the first request, when the port is known. */
  readonly baseUrl: () => string;
}

/** @throws in production */
export const createDevIssuer = async ({ config, logger, baseUrl }: DevIssuerOptions): Promise<DevIssuer> => {
  if (config.environment === 'production') {
    throw new Error('the development issuer does not run in production: set OIDC_ISSUER to your identity provider');
  }
  const keys = await loadKeys(join(config.dataDir, 'dev-issuer.json'));
  const people = demoPeople(config.mailDomains[0] ?? 'tidings.test');
  let provider: Provider | undefined;
  const providerNow = (): Provider => {
    if (provider !== undefined) return provider;
    const base = baseUrl();
    provider = createProvider({
      issuer: `${base}${ISSUER_PATH}`,
      keys,
      people,
      audience: config.oidc.audience,
      adminRole: config.oidc.adminRole,
      redirectUris: [`${base}/docs/oauth2-redirect.html`, `${base}/docs/static/oauth2-redirect.html`],
    });
    provider.on('server_error', (_ctx, error) => logger.error({ err: error }, 'the development issuer failed'));
    return provider;
  };

  const plugin: FastifyPluginAsync = async (app) => {
    // Before Fastify reads the body: the provider reads it itself.
    app.addHook('onRequest', async (request, reply) => {
      reply.hijack();
      const { raw } = request;
      const issuer = providerNow();
      try {
        if (request.url.startsWith(`${ISSUER_PATH}/interaction/`)) await handleLogin(issuer, people, raw, reply.raw);
        else await issuer.callback()(belowMount(raw), reply.raw);
      } catch (error) {
        logger.warn({ err: error }, 'a development login failed');
        if (!reply.raw.headersSent) reply.raw.writeHead(400, { 'content-type': 'text/plain' });
        reply.raw.end('This login is not known or is out of date. Begin it anew.\n');
      }
    });
    app.all(`${ISSUER_PATH}/*`, () => undefined);
  };
  return { plugin };
};

/** The provider routes by `url` and learns where it is mounted from what `originalUrl` has more. */
const belowMount = (request: IncomingMessage): IncomingMessage =>
  Object.assign(request, { originalUrl: request.url, url: (request.url ?? '').slice(ISSUER_PATH.length) || '/' });
