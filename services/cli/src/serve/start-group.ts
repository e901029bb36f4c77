/** Starts the services of one process. Each group loads only its own code. */
import type { Config } from '@tidings/infra/config/config';
import { ISSUER_PATH, PUBLIC_CLIENT } from '../../../dev-issuer/src/names.ts';
import type { OpenedPlatform } from '../../../platform/src/open.ts';
import type { Service } from '../../../platform/src/platform.ts';
import type { Group, ServiceName } from './groups.ts';
import type { Endpoints } from './messages.ts';

/** @param services is filled as they start, so that a failure half-way stops what runs already */
export type StartGroup = (platform: OpenedPlatform, services: Service[]) => Promise<Endpoints>;

/** Loads the code of a group, which takes longer than starting its services. Nothing is opened yet. */
export const loadGroup = (group: Group, names: readonly ServiceName[], config: Config): Promise<StartGroup> => {
  switch (group) {
    case 'api':
      return loadApiGroup(names, config);
    case 'projector':
      return loadProjectorGroup();
    case 'filing':
      return loadFilingGroup(names);
    case 'smtp':
      return loadSmtpGroup();
    case 'egress':
      return loadEgressGroup(names);
  }
};

const loadProjectorGroup = async (): Promise<StartGroup> => {
  const { startProjectorService } = await import('../../../projector/src/index.ts');
  return async (platform, services) => {
    services.push(await startProjectorService(platform));
    return {};
  };
};

/** Null for a service that does not run here. */
const loaded = <A>(names: readonly ServiceName[], name: ServiceName, load: () => Promise<A>): Promise<A> | null =>
  names.includes(name) ? load() : null;

const loadFilingGroup = async (names: readonly ServiceName[]): Promise<StartGroup> => {
  const [filing, notifier, importer, caretaker, relay] = await Promise.all([
    loaded(names, 'filing', () => import('../../../filing/src/index.ts')),
    loaded(names, 'notifier', () => import('../../../notifier/src/index.ts')),
    loaded(names, 'importer', () => import('../../../importer/src/index.ts')),
    loaded(names, 'caretaker', () => import('../../../caretaker/src/index.ts')),
    loaded(names, 'relay', () => import('../../../relay/src/index.ts')),
  ]);
  return async (platform, services) => {
    if (filing !== null) services.push(await filing.startFiling(platform));
    if (notifier !== null) services.push(notifier.startNotifier(platform));
    if (importer !== null) services.push(await importer.startImporter(platform));
    if (caretaker !== null) services.push(caretaker.startCaretaker(platform));
    if (relay !== null) services.push(relay.startRelay(platform));
    return {};
  };
};

const loadSmtpGroup = async (): Promise<StartGroup> => {
  const { startSmtpIngress } = await import('../../../smtp-ingress/src/index.ts');
  return async (platform, services) => {
    const smtp = await startSmtpIngress(platform);
    services.push(smtp);
    return { smtp: { host: platform.config.smtp.host, port: smtp.port } };
  };
};

const loadEgressGroup = async (names: readonly ServiceName[]): Promise<StartGroup> => {
  const [outbox, egress, gateway] = await Promise.all([
    loaded(names, 'outbox', () => import('../../../outbox/src/index.ts')),
    loaded(names, 'smtp-egress', () => import('../../../smtp-egress/src/index.ts')),
    loaded(names, 'gateway', () => import('../../../gateway/src/index.ts')),
  ]);
  return async (platform, services) => {
    if (outbox !== null) services.push(await outbox.startOutbox(platform));
    if (egress !== null) services.push(await egress.startSmtpEgress(platform));
    if (gateway !== null) services.push(await gateway.startGateway(platform));
    return {};
  };
};

const loadApiGroup = async (names: readonly ServiceName[], { oidc }: Config): Promise<StartGroup> => {
  const [{ startApi }, { opsRoutes }, command, query, live, issuer] = await Promise.all([
    import('../../../api/src/server.ts'),
    import('../../../ops/src/routes.ts'),
    loaded(names, 'command-api', () => import('../../../command-api/src/index.ts')),
    loaded(names, 'query-api', () => import('../../../query-api/src/index.ts')),
    loaded(names, 'sse', () => import('../../../sse/src/index.ts')),
    oidc.issuer === null ? loadDevIssuer() : null,
  ]);
  return async (platform, services) => {
    const { config } = platform;
    const api = await startApi(
      platform,
      async (baseUrl) => ({
        ...(command === null ? {} : { commandApi: command.commandApi(platform) }),
        ...(query === null ? {} : { queryApi: query.queryApi(platform) }),
        ...(live === null ? {} : { sse: liveStream(live, platform, services) }),
        ops: opsRoutes(platform, { process: 'api', services: () => services }),
        ...(issuer === null ? {} : { devIssuer: await issuer(platform, baseUrl) }),
      }),
      { docsClientId: PUBLIC_CLIENT },
    );
    for (const name of names) if (name !== 'sse') services.push({ ...api, name });
    return { http: { host: config.http.host, port: api.port } };
  };
};

const liveStream = (
  { LiveFeed, openPresence, sse }: typeof import('../../../sse/src/index.ts'),
  platform: OpenedPlatform,
  services: Service[],
) => {
  const feed = new LiveFeed(platform, {}, openPresence(platform));
  services.push(feed);
  return sse(platform, feed);
};

/** With the people it knows, so that their first mail finds a mailbox before they ever logged in. */
const loadDevIssuer = async () => {
  const [{ createDevIssuer }, { seedDemo }] = await Promise.all([
    import('../../../dev-issuer/src/index.ts'),
    import('../../../dev-issuer/src/seed.ts'),
  ]);
  return async (platform: OpenedPlatform, baseUrl: () => string) => {
    const { config, logger } = platform;
    const issuer = await createDevIssuer({ config, logger, baseUrl });
    await seedDemo(platform);
    return { plugin: issuer.plugin, path: ISSUER_PATH };
  };
};
