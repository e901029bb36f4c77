/** All of chat in one process on real parts: log, projector and read models in Postgres, the API as `serve` mounts it. Tokens are names. */
import { type Client as TypedClient, createClient } from '@tidings/contracts/client/client';
import type { UserId } from '@tidings/contracts/ids';
import { memoryBlobs } from '@tidings/infra/blobs/memory';
import { createCommands } from '@tidings/infra/commands/create-commands';
import { migrateEventLog } from '@tidings/infra/event-log/postgres/migrate';
import { openPostgresLog } from '@tidings/infra/event-log/postgres/postgres-log';
import { createEventStore } from '@tidings/infra/event-store/store';
import { openPool, openReadPool } from '@tidings/infra/postgres/pools';
import { createPositionFeed } from '@tidings/infra/projector/announce';
import { createFreshness } from '@tidings/infra/projector/freshness';
import { createLiveSchema } from '@tidings/infra/projector/live-schema';
import { migrateProjector } from '@tidings/infra/projector/migrations';
import { startProjector } from '@tidings/infra/projector/projector';
import { inProcessSignals } from '@tidings/infra/signals/in-process';
import { memorySubjectKeys } from '@tidings/infra/subject-keys/memory';
import { feed } from '@tidings/projections/feed/index';
import { messageSearch } from '@tidings/projections/message-search/index';
import { readStates } from '@tidings/projections/read-states/index';
import { relationships } from '@tidings/projections/relationships/index';
import { rooms } from '@tidings/projections/rooms/index';
import { timeline } from '@tidings/projections/timeline/index';
import { users } from '@tidings/projections/users/index';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { commandApi } from '../../services/command-api/src/index.ts';
import { createHttpApp } from '../../services/http-kit/src/app.ts';
import { provisionUser } from '../../services/http-kit/src/provisioning.ts';
import { knownPeople, person } from '../../services/http-kit/src/testing/known-people.ts';
import { memoryPlatform } from '../../services/http-kit/src/testing/memory-platform.ts';
import type { Platform } from '../../services/platform/src/platform.ts';
import { queryApi } from '../../services/query-api/src/index.ts';
import { createTestDatabase } from '../kit/postgres.ts';

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** The body as JSON; throws for an empty one. */
  readonly json: <A>() => A;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** One person's client: typed, and for tests of the wire itself by method and path. */
export interface Client {
  readonly id: UserId;
  readonly api: TypedClient;
  readonly get: (path: string, headers?: Record<string, string>) => Promise<Answer>;
  readonly post: (path: string, body?: object, headers?: Record<string, string>) => Promise<Answer>;
  readonly put: (path: string, body?: object, headers?: Record<string, string>) => Promise<Answer>;
  readonly patch: (path: string, body?: object, headers?: Record<string, string>) => Promise<Answer>;
  readonly remove: (path: string) => Promise<Answer>;
}

export interface ChatStack<Name extends string> {
  readonly as: Readonly<Record<Name, Client>>;
  /** The same people at another node, which shares log and read models with the first and remembers nothing of it. */
  readonly asElsewhere: Readonly<Record<Name, Client>>;
  readonly platform: Platform;
  readonly close: () => Promise<void>;
}

export const startChat = async <Name extends string>(...names: readonly Name[]): Promise<ChatStack<Name>> => {
  const database = await createTestDatabase();
  const logger = pino({ level: 'silent' });
  const pool = openPool({ url: database.url, name: 'chat', max: 20, logger });
  const read = await openReadPool({ url: database.url, name: 'chat read', max: 10, logger });
  const signals = inProcessSignals();
  await migrateEventLog(database.url);
  await migrateProjector(pool);
  const log = await openPostgresLog({ url: database.url, logger, signals });
  const keys = memorySubjectKeys();
  const events = createEventStore(log, keys);
  const positions = createPositionFeed();
  const projector = await startProjector({
    pool,
    log,
    events,
    projections: [users, relationships, rooms, timeline, readStates, messageSearch, feed],
    signals,
    logger,
    feed: positions,
  });
  const live = await createLiveSchema(pool, signals);
  const freshness = createFreshness({ pool, live, signals, feed: positions });
  const commands = createCommands(events);
  const platform = memoryPlatform({
    log,
    blobs: memoryBlobs(),
    keys,
    events,
    commands,
    signals,
    read,
    pool,
    liveSchema: live.schemaOf,
    changingReadModels: live.changing,
    freshness,
    logger,
  });

  const people = names.map((name) => person(name));
  for (const one of people) {
    const { position } = await provisionUser(platform, one);
    await freshness.waitFor(position, ['users', 'timeline'], 10_000);
  }
  const openNode = async (node: Platform): Promise<FastifyInstance> => {
    const app = createHttpApp(node, { identity: knownPeople(...people), checkResponses: true });
    await app.register(commandApi(node));
    await app.register(queryApi(node));
    await app.ready();
    return app;
  };
  const apps = [await openNode(platform), await openNode({ ...platform, commands: createCommands(events) })] as const;

  const clientOf = (app: FastifyInstance, name: Name): Client => {
    const send = async (
      method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
      url: string,
      body?: object,
      headers: Record<string, string> = {},
    ): Promise<Answer> => {
      const response = await app.inject({
        method,
        url,
        headers: { authorization: `Bearer ${name}`, ...headers },
        ...(body === undefined ? {} : { payload: body }),
      });
      return {
        status: response.statusCode,
        text: response.body,
        json: <A>() => JSON.parse(response.body) as A, // the kit checked it against the route's codec
        headers: response.headers,
      };
    };
    return {
      id: person(name).userId,
      api: createClient({ baseUrl: ORIGIN, token: () => name, fetch: fetchFrom(app), retryForMs: 0 }),
      get: (path, headers) => send('GET', path, undefined, headers),
      post: (path, body, headers) => send('POST', path, body, headers),
      put: (path, body, headers) => send('PUT', path, body, headers),
      patch: (path, body, headers) => send('PATCH', path, body, headers),
      remove: (path) => send('DELETE', path),
    };
  };

  const clientsOf = (app: FastifyInstance): Record<Name, Client> =>
    Object.fromEntries(names.map((name) => [name, clientOf(app, name)])) as Record<Name, Client>; // one entry per name

  return {
    as: clientsOf(apps[0]),
    asElsewhere: clientsOf(apps[1]),
    platform,
    close: async () => {
      for (const app of apps) await app.close();
      await projector.stop();
      await freshness.close();
      live.close();
      await log.close();
      await signals.close();
      await read.end();
      await pool.end();
      await database.drop();
    },
  };
};

const ORIGIN = 'http://in.process';
/** `fetch` that reaches a server which listens nowhere. */
const fetchFrom =
  (app: FastifyInstance): typeof fetch =>
  async (input, init) => {
    const asked = new Request(input, init);
    const payload = Buffer.from(await asked.arrayBuffer());
    const { statusCode, headers, rawPayload } = await app.inject({
      // Whatever the client sends, the server takes.
      method: asked.method as 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
      url: asked.url.slice(ORIGIN.length),
      headers: Object.fromEntries(asked.headers),
      ...(payload.length === 0 ? {} : { payload }),
    });
    const shown = Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]);
    return new Response(new Uint8Array(rawPayload), { status: statusCode, headers: shown });
  };
