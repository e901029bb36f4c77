/** Starts the services of one process. Each group loads only its own code. */
import type { FastifyPluginAsync } from 'fastify';
import { ISSUER_PATH, PUBLIC_CLIENT } from '../../../dev-issuer/src/names.ts';
import type { OpenedPlatform } from '../../../platform/src/open.ts';
import type { Service } from '../../../platform/src/platform.ts';
import type { Group, ServiceName } from './groups.ts';
import type { Endpoints } from './messages.ts';

/**
 * @param services is filled as they start, so that a failure half-way stops what runs already
 */
export const startGroup = async (
  group: Group,
  names: readonly ServiceName[],
  platform: OpenedPlatform,
  services: Service[],
): Promise<Endpoints> => {
  switch (group) {
    case 'api':
      return startApiGroup(names, platform, services);
    case 'projector':
      return startProjectorGroup(platform, services);
    case 'filing':
      return startFilingGroup(names, platform, services);
    case 'smtp':
      return startSmtpGroup(platform, services);
    case 'egress':
      return startEgressGroup(names, platform, services);
  }
};

const startProjectorGroup = async (platform: OpenedPlatform, services: Service[]): Promise<Endpoints> => {
  const { startProjectorService } = await import('../../../projector/src/index.ts');
  services.push(await startProjectorService(platform));
  return {};
};

const startFilingGroup = async (names: readonly ServiceName[], platform: OpenedPlatform, services: Service[]): Promise<Endpoints> => {
  if (names.includes('filing')) {
    const { startFiling } = await import('../../../filing/src/index.ts');
    services.push(await startFiling(platform));
  }
  if (names.includes('notifier')) {
    const { startNotifier } = await import('../../../notifier/src/index.ts');
    services.push(startNotifier(platform));
  }
  if (names.includes('importer')) {
    const { startImporter } = await import('../../../importer/src/index.ts');
    services.push(await startImporter(platform));
  }
  if (names.includes('caretaker')) {
    const { startCaretaker } = await import('../../../caretaker/src/index.ts');
    services.push(startCaretaker(platform));
  }
  if (names.includes('relay')) {
    const { startRelay } = await import('../../../relay/src/index.ts');
    services.push(startRelay(platform));
  }
  return {};
};

const startSmtpGroup = async (platform: OpenedPlatform, services: Service[]): Promise<Endpoints> => {
  const { startSmtpIngress } = await import('../../../smtp-ingress/src/index.ts');
  const smtp = await startSmtpIngress(platform);
  services.push(smtp);
  return { smtp: { host: platform.config.smtp.host, port: smtp.port } };
};

const startEgressGroup = async (names: readonly ServiceName[], platform: OpenedPlatform, services: Service[]): Promise<Endpoints> => {
  if (names.includes('outbox')) {
    const { startOutbox } = await import('../../../outbox/src/index.ts');
    services.push(await startOutbox(platform));
  }
  if (names.includes('smtp-egress')) {
    const { startSmtpEgress } = await import('../../../smtp-egress/src/index.ts');
    services.push(await startSmtpEgress(platform));
  }
  if (names.includes('gateway')) {
    const { startGateway } = await import('../../../gateway/src/index.ts');
    services.push(await startGateway(platform));
  }
  return {};
};

const startApiGroup = async (names: readonly ServiceName[], platform: OpenedPlatform, services: Service[]): Promise<Endpoints> => {
  const [{ startApi }, { opsRoutes }] = await Promise.all([import('../../../api/src/server.ts'), import('../../../ops/src/routes.ts')]);
  const { config } = platform;
  const api = await startApi(
    platform,
    async (baseUrl) => ({
      ...(names.includes('command-api') ? { commandApi: await commands(platform) } : {}),
      ...(names.includes('query-api') ? { queryApi: await queries(platform) } : {}),
      ...(names.includes('sse') ? { sse: await liveStream(platform, services) } : {}),
      ops: opsRoutes(platform, { process: 'api', services: () => services }),
      ...(config.oidc.issuer === null ? { devIssuer: await devIssuer(platform, baseUrl) } : {}),
    }),
    { docsClientId: PUBLIC_CLIENT },
  );
  for (const name of names) if (name !== 'sse') services.push({ ...api, name });
  return { http: { host: config.http.host, port: api.port } };
};

const commands = async (platform: OpenedPlatform): Promise<FastifyPluginAsync> => {
  const { commandApi } = await import('../../../command-api/src/index.ts');
  return async (app) => {
    await app.register(commandApi(platform));
  };
};

const queries = async (platform: OpenedPlatform): Promise<FastifyPluginAsync> => {
  const { queryApi } = await import('../../../query-api/src/index.ts');
  return async (app) => {
    await app.register(queryApi(platform));
  };
};

const liveStream = async (platform: OpenedPlatform, services: Service[]) => {
  const { LiveFeed, openPresence, sse } = await import('../../../sse/src/index.ts');
  const feed = new LiveFeed(platform, {}, openPresence(platform));
  services.push(feed);
  return sse(platform, feed);
};

/** With the people it knows, so that their first mail finds a mailbox before they ever logged in. */
const devIssuer = async (platform: OpenedPlatform, baseUrl: () => string) => {
  const [{ createDevIssuer }, { seedDemo }] = await Promise.all([
    import('../../../dev-issuer/src/index.ts'),
    import('../../../dev-issuer/src/seed.ts'),
  ]);
  const { config, logger } = platform;
  const { plugin } = await createDevIssuer({ config, logger, baseUrl });
  await seedDemo(platform);
  return { plugin, path: ISSUER_PATH };
};
