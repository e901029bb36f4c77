/** The HTTP process: one listener over the parts it is given. Each part also runs alone; then it is given alone. */
import { openLiveStream } from '@tidings/contracts/http/live';
import type { FastifyPluginAsync, FastifyPluginCallback, FastifyRequest } from 'fastify';
import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createHttpApp } from '../../http-kit/src/app.ts';
import { createIdentity } from '../../http-kit/src/auth/identity.ts';
import type { Platform, Service } from '../../platform/src/platform.ts';
import { pages } from './pages.ts';

type Part = FastifyPluginAsync | FastifyPluginCallback;

/** What this listener serves. Absent parts run elsewhere, behind the same front. */
export interface ApiParts {
  readonly commandApi?: Part;
  readonly queryApi?: Part;
  readonly sse?: Part;
  readonly ops?: Part;
  /** `path` makes the issuer: base URL + path. */
  readonly devIssuer?: { readonly plugin: Part; readonly path: string };
}

export interface ApiOptions {
  /** For health and logs; default `api`. */
  readonly name?: string;
  /** Shown in the API's description; default `0.0.0`. */
  readonly version?: string;
  /** The OAuth client of the page to try the API; default `tidings`. */
  readonly docsClientId?: string;
  /** Holds every answer against its codec: for tests, it costs a decode. */
  readonly checkResponses?: boolean;
}

export interface Api extends Service {
  /** As clients reach it: `PUBLIC_URL`, or `http://localhost:<port>`. */
  readonly url: string;
  /** The real one, when `HTTP_PORT` is 0. */
  readonly port: number;
  readonly issuer: string;
}

/** In-flight requests get this long to finish; then their connections are cut. */
const DRAIN_MS = 8_000;

/**
 * Listens on `HTTP_HOST:HTTP_PORT`.
 * @param compose is given the base URL, which is known only once the port is, so ask it late
 * @throws when the port is taken, or when nobody would issue tokens
 */
export const startApi = async (
  platform: Platform,
  compose: (baseUrl: () => string) => ApiParts | Promise<ApiParts>,
  options: ApiOptions = {},
): Promise<Api> => {
  const { http, oidc } = platform.config;
  let port = http.port;
  const baseUrl = (): string => http.publicUrl ?? `http://localhost:${port}`;
  const parts = await compose(baseUrl);
  const issuer = issuerOf(oidc.issuer, parts, baseUrl);

  const app = createHttpApp(platform, {
    identity: createIdentity(platform, issuer),
    corsOrigin: http.corsOrigin,
    checkResponses: options.checkResponses ?? false,
  });
  let inFlight = 0;
  // A live stream lasts for hours, and its reply is taken over, so that no hook tells of its end: the feed counts those.
  const counts = (request: FastifyRequest): boolean => request.routeOptions.url !== openLiveStream.path;
  app.addHook('onRequest', async (request) => {
    if (counts(request)) inFlight += 1;
  });
  app.addHook('onResponse', async (request) => {
    if (counts(request)) inFlight -= 1;
  });
  const { version = '0.0.0', docsClientId = 'tidings', name = 'api' } = options;
  await app.register(pages(platform, { version, issuer, clientId: docsClientId }));
  for (const part of [parts.commandApi, parts.queryApi, parts.sse, parts.ops, parts.devIssuer?.plugin]) {
    if (part !== undefined) await app.register(part as FastifyPluginAsync); // either kind will do, but `register` has an overload for each
  }
  const unused = unusedConnections(app.server);
  await app.listen({ host: http.host, port: http.port });
  port = (app.server.address() as AddressInfo).port; // it listens on TCP

  return {
    name,
    port,
    url: baseUrl(),
    issuer: issuer(),
    health: () => ({
      state: inFlight > 0 ? 'working' : 'idle',
      lastProgressAt: null,
      waitingOn: 'requests',
      detail: { inFlight },
    }),
    stop: async () => {
      const cut = setTimeout(() => app.server.closeAllConnections(), DRAIN_MS);
      unused.destroy();
      try {
        await app.close(); // streams end in their part's preClose hook
      } finally {
        clearTimeout(cut);
      }
    },
  };
};

/**
 * Connections that no request has come on yet. Clients open some ahead of need (browsers do), and Node does not count these as idle, so a
 * stop would wait for them in vain.
 */
const unusedConnections = (server: Server): { readonly destroy: () => void } => {
  const unused = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  server.on('request', ({ socket }) => unused.delete(socket));
  return {
    destroy: () => {
      for (const socket of unused) socket.destroy();
    },
  };
};

const issuerOf = (configured: string | null, parts: ApiParts, baseUrl: () => string): (() => string) => {
  if (configured !== null) return () => configured;
  const { devIssuer } = parts;
  if (devIssuer !== undefined) return () => `${baseUrl()}${devIssuer.path}`;
  throw new Error('nobody issues tokens here: set OIDC_ISSUER, to the development issuer of another process if need be');
};
