/**
 * The deployed form as far as a machine without Docker can try it: compose file and Dockerfile agree with the program, and what the image holds
 * runs as compose runs it: services apart, on a Postgres and an issuer that are not ours.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { createClient } from '@tidings/contracts/client/client';
import { type Config, loadConfig, variables } from '@tidings/infra/config/config';
import * as E from 'fp-ts/lib/Either.js';
import { createTransport } from 'nodemailer';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { isServiceName, serviceNames } from '../../services/cli/src/serve/groups.ts';
import type { ProgramReady, Running } from '../../services/cli/src/serve/messages.ts';
import { startIssuer, type TestIssuer } from '../kit/issuer.ts';
import { createTestDatabase, type TestDatabase } from '../kit/postgres.ts';
import { layOut, readDockerfile, ROOT } from './deploy-image.ts';

interface ComposeService {
  readonly build?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly disable?: boolean };
}
// The format is Docker's; what these tests rely on, they check.
const compose = parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};
const stages = readDockerfile();
const image = stages.at(-1) ?? expect.unreachable('the Dockerfile has no stage');
const ours = Object.entries(compose.services).filter(([, { build }]) => build !== undefined);
const serving = ours.filter(([, { command }]) => command?.[0] === 'serve');
const environmentOf = (service: ComposeService): Readonly<Record<string, string>> => ({ ...image.env, ...service.environment });

const configOf = (service: ComposeService): Config => {
  const loaded = loadConfig(environmentOf(service));
  return E.isRight(loaded) ? loaded.right : expect.unreachable(loaded.left.join('\n'));
};

describe('docker-compose.yml', () => {
  it('runs every service of the program in exactly one container', () => {
    const named = serving.flatMap(([, { command }]) => command?.slice(1) ?? []);
    expect(named.toSorted()).toEqual([...serviceNames].toSorted());
    expect(ours.map(([, { command }]) => command?.[0]).filter((command) => command !== 'serve')).toEqual(['migrate']);
  });

  it('sets only variables that the program knows, to values that it takes', () => {
    for (const [, service] of ours) {
      const unknown = Object.keys(environmentOf(service)).filter((name) => !(name in variables) && name !== 'NODE_ENV');
      expect(unknown).toEqual([]);
      expect(configOf(service)).toMatchObject({ environment: 'production', http: { host: '0.0.0.0' }, smtp: { host: '0.0.0.0' } });
    }
  });

  it('publishes the ports that are listened on', () => {
    for (const [, service] of ours) {
      const { http, smtp } = configOf(service);
      const services = service.command?.filter(isServiceName) ?? [];
      const listening = [
        ...(services.includes('command-api') ? [http.port] : []),
        ...(services.includes('smtp-ingress') ? [smtp.port] : []),
      ];
      expect((service.ports ?? []).map((port) => Number(port.split(':').at(-1)))).toEqual(listening);
      for (const port of listening) expect(image.exposed).toContain(port);
    }
    const hostPorts = Object.values(compose.services).flatMap(({ ports = [] }) => ports.map((port) => port.split(':')[0]));
    expect(new Set(hostPorts).size).toBe(hostPorts.length);
  });

  it('asks for health only where HTTP is served', () => {
    for (const [name, { command, healthcheck }] of serving)
      expect(healthcheck?.disable === true, name).toBe(command?.includes('command-api') === false);
  });

  it('names only what is there: services, volumes, folders', () => {
    for (const { depends_on = {}, volumes = [] } of Object.values(compose.services)) {
      expect(Object.keys(compose.services)).toEqual(expect.arrayContaining(Object.keys(depends_on)));
      for (const volume of volumes) {
        const [source = ''] = volume.split(':');
        expect(source.startsWith('.') ? existsSync(join(ROOT, source)) : source in compose.volumes, volume).toBe(true);
      }
    }
  });

  it('points at its own Postgres and its own issuer', () => {
    const { postgres, keycloak } = compose.services;
    for (const [, service] of ours) {
      const { databaseUrl, oidc } = configOf(service);
      const database = new URL(databaseUrl ?? '');
      expect(postgres?.environment).toMatchObject({
        POSTGRES_USER: database.username,
        POSTGRES_PASSWORD: database.password,
        POSTGRES_DB: database.pathname.slice(1),
      });
      expect([database.hostname, database.port]).toEqual(['postgres', '5432']);
      const issuer = new URL(oidc.issuer ?? '');
      expect(issuer.origin).toBe(keycloak?.environment?.['KC_HOSTNAME']);
      expect([issuer.hostname, issuer.port]).toEqual(['keycloak', keycloak?.environment?.['KC_HTTP_PORT']]);
      const realm = JSON.parse(readFileSync(join(ROOT, 'infra/deploy/keycloak/tidings-realm.json'), 'utf8')) as {
        realm: string;
        roles: { realm: readonly { name: string }[] };
      };
      expect(issuer.pathname).toBe(`/realms/${realm.realm}`);
      expect(realm.roles.realm.map(({ name }) => name)).toContain(oidc.adminRole);
    }
  });

  it('is a compose file to Docker too, where Docker is', async ({ annotate }) => {
    const version = spawnSync('docker', ['compose', 'version'], { encoding: 'utf8' });
    if (version.error !== undefined || version.status !== 0) {
      await annotate('the compose files were read by our own tests only: there is no docker with compose here');
      return;
    }
    await annotate(`the compose files were read by ${version.stdout.trim()}`);
    const base = ['-f', join(ROOT, 'docker-compose.yml')];
    for (const beside of [[], ...['engines', 'mail', 'observability'].map((name) => ['-f', join(ROOT, `docker-compose.${name}.yml`)])]) {
      const config = spawnSync('docker', ['compose', ...base, ...beside, 'config', '--quiet'], { encoding: 'utf8' });
      expect(config.status, config.stderr).toBe(0);
    }
  });
});

describe('docker-compose.engines.yml', () => {
  const engines = parse(readFileSync(join(ROOT, 'docker-compose.engines.yml'), 'utf8'), { merge: true }) as typeof compose;

  it('puts every service on the same engines, which are there', () => {
    const together = serving.map(([name, service]) => {
      const { environment, depends_on: needs = {} } = engines.services[name] ?? expect.unreachable(`${name} is left out`);
      expect(Object.keys(engines.services)).toEqual(expect.arrayContaining(Object.keys(needs)));
      return { ...service, environment: { ...service.environment, ...environment } };
    });
    for (const service of together) {
      expect(Object.keys(service.environment).filter((name) => !(name in variables))).toEqual([]);
      const { blobs, eventLog, kafka, openSearch } = configOf(service);
      const urls = [blobs.s3?.endpoint, eventLog.kurrentdb, `kafka://${kafka.brokers[0] ?? ''}`, openSearch?.url];
      expect(urls.map((url) => new URL(url ?? '').hostname)).toEqual(['s3', 'kurrentdb', 'kafka', 'opensearch']);
      const { s3, kafka: broker } = engines.services;
      expect(blobs.s3?.credentials).toEqual({
        accessKeyId: s3?.environment?.['ROOT_ACCESS_KEY'],
        secretAccessKey: s3?.environment?.['ROOT_SECRET_KEY'],
      });
      expect(broker?.environment?.['KAFKA_ADVERTISED_LISTENERS']).toBe(`PLAINTEXT://${kafka.brokers[0] ?? ''}`);
    }
    for (const { volumes = [] } of Object.values(engines.services))
      for (const volume of volumes) expect(Object.keys(engines.volumes)).toContain(volume.split(':')[0]);
  });
});

describe('docker-compose.mail.yml', () => {
  const mail = parse(readFileSync(join(ROOT, 'docker-compose.mail.yml'), 'utf8'), { merge: true }) as typeof compose;

  it('has mail judged by rspamd, and caught, for every service', () => {
    for (const [name, service] of serving) {
      const { environment } = mail.services[name] ?? expect.unreachable(`${name} is left out`);
      const { mailChecks, mailOut } = configOf({ environment: { ...service.environment, ...environment } });
      const rspamd = new URL(mailChecks.rspamd?.url ?? '');
      expect([rspamd.hostname, mailOut.relay?.host, mailOut.relay?.tls.type]).toEqual(['rspamd', 'mail-catcher', 'none']);
      expect(mail.services).toMatchObject({ [rspamd.hostname]: {}, [mailOut.relay?.host ?? '']: {} });
      expect(readFileSync(join(ROOT, 'infra/deploy/rspamd/worker-normal.inc'), 'utf8')).toContain(`bind_socket = "*:${rspamd.port}";`);
    }
    for (const { volumes = [] } of Object.values(mail.services))
      for (const volume of volumes) {
        const [source = ''] = volume.split(':');
        expect(source.startsWith('.') ? existsSync(join(ROOT, source)) : source in mail.volumes, volume).toBe(true);
      }
  });
});

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly selector?: { readonly matchLabels?: object };
    readonly ports?: readonly { readonly targetPort: string }[];
    readonly template?: { readonly metadata?: { readonly labels?: object }; readonly spec: { readonly containers: readonly Container[] } };
  };
}
interface Container {
  readonly image: string;
  readonly args: readonly string[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly env?: readonly { readonly name: string }[];
}

describe('the manifests for Kubernetes', () => {
  const folder = join(ROOT, 'infra/deploy/kubernetes');
  const { resources } = parse(readFileSync(join(folder, 'kustomization.yaml'), 'utf8')) as { readonly resources: readonly string[] };
  const manifests = resources.flatMap((file) =>
    parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map((document) => document.toJS() as Manifest),
  );
  const of = (kind: string): readonly Manifest[] => manifests.filter((one) => one.kind === kind);
  const containers = [...of('Deployment'), ...of('Job')].flatMap(({ spec }) => spec?.template?.spec.containers ?? []);

  it('run every service once, with settings that the program takes', () => {
    const commands = containers.map(({ args }) => args);
    expect(
      commands
        .filter(([command]) => command === 'serve')
        .flatMap((args) => args.slice(1))
        .toSorted(),
    ).toEqual(serviceNames.toSorted());
    expect(commands.filter(([command]) => command !== 'serve')).toEqual([['migrate']]);
    const settings = { ...of('ConfigMap')[0]?.data, ...of('Secret')[0]?.stringData };
    const own = containers.flatMap(({ env = [] }) => env.map(({ name }) => name));
    expect([...Object.keys(settings), ...own].filter((name) => !(name in variables))).toEqual([]);
    expect(configOf({ environment: settings })).toMatchObject({ environment: 'production', databaseUrl: settings['DATABASE_URL'] });
  });

  it('reach their pods at the ports that are listened on', () => {
    for (const { spec } of of('Deployment')) expect(spec?.selector?.matchLabels).toEqual(spec?.template?.metadata?.labels);
    for (const { metadata, spec } of of('Service')) {
      const pods = of('Deployment').find(({ spec: deployed }) => isDeepStrictEqual(deployed?.selector?.matchLabels, spec?.selector));
      const listening = pods?.spec?.template?.spec.containers.flatMap(({ ports = [] }) => ports) ?? [];
      expect(
        listening.map(({ name }) => name),
        metadata.name,
      ).toEqual(spec?.ports?.map(({ targetPort }) => targetPort));
      for (const { containerPort } of listening) expect(image.exposed).toContain(containerPort);
    }
  });
});

/** What Prometheus is asked for by the dashboard and the alerts, without the endings that it adds. */
const askedMetrics = (): readonly string[] => {
  const texts = ['grafana/dashboards/tidings.json', 'prometheus/alerts.yml'].map((file) =>
    readFileSync(join(ROOT, 'infra/deploy', file), 'utf8'),
  );
  const names = texts.flatMap((text) => text.match(/\b(tidings|process|nodejs)_[a-z0-9_]+/g) ?? []);
  return [...new Set(names.map((name) => name.replace(/_(bucket|count|sum)$/, '')))].toSorted();
};

describe('docker-compose.observability.yml', () => {
  const watching = parse(readFileSync(join(ROOT, 'docker-compose.observability.yml'), 'utf8')) as typeof compose;

  it('mounts what is there, and asks the API where it listens', () => {
    for (const { volumes = [], depends_on = {} } of Object.values(watching.services)) {
      const known = Object.keys({ ...watching.services, ...compose.services });
      expect(known).toEqual(expect.arrayContaining(Object.keys(depends_on)));
      for (const volume of volumes) {
        const [source = ''] = volume.split(':');
        expect(source.startsWith('.') ? existsSync(join(ROOT, source)) : source in watching.volumes, volume).toBe(true);
      }
    }
    const prometheus = parse(readFileSync(join(ROOT, 'infra/deploy/prometheus/prometheus.yml'), 'utf8')) as {
      readonly scrape_configs: readonly { readonly static_configs: readonly { readonly targets: readonly string[] }[] }[];
    };
    const targets = prometheus.scrape_configs.flatMap(({ static_configs }) => static_configs.flatMap((one) => one.targets));
    expect(targets).toEqual([`api:${configOf(compose.services['api'] ?? {}).http.port}`]);
  });

  it('shows at least lag, queues, throughput and rebalances', () => {
    const lag = ['tidings_projection_lag_events', 'tidings_relay_lag_events'];
    const queues = ['tidings_egress_queue_recipients', 'tidings_filing_pending_mails'];
    const throughput = ['tidings_http_request_duration_seconds', 'tidings_projection_events_total', 'tidings_sse_delivered_total'];
    const rebalances = ['tidings_projection_rebalances_total', 'tidings_projection_owned', 'tidings_kafka_rebalances_total'];
    expect(askedMetrics()).toEqual(expect.arrayContaining([...lag, ...queues, ...throughput, ...rebalances]));
  });
});

describe('the image', () => {
  let folder: string;
  let app: string;
  let database: TestDatabase;
  let issuer: TestIssuer;
  const children: ChildProcess[] = [];
  let said = '';

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tidings-image-'));
    app = join(folder, 'app');
    await layOut(image, app);
    database = await createTestDatabase();
    issuer = await startIssuer();
  });
  afterAll(async () => {
    await Promise.all(
      children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill('SIGTERM'); // as `docker stop`
        await once(child, 'exit');
      }),
    );
    await issuer.close();
    await database.drop();
    await rm(folder, { recursive: true, force: true });
  });

  const [node = '', ...entry] = image.entrypoint;
  /** As compose starts it, but for addresses: a database and an issuer of this test, free ports. */
  const environment = (name: string, service: ComposeService): NodeJS.ProcessEnv => ({
    PATH: process.env['PATH'],
    ...environmentOf(service),
    DATABASE_URL: database.url,
    OIDC_ISSUER: issuer.url,
    DATA_DIR: join(folder, 'data', name),
    HTTP_PORT: '0',
    SMTP_PORT: '0',
    LOG_LEVEL: 'warn',
  });

  const start = async (name: string, service: ComposeService): Promise<Running> => {
    const child = spawn(process.execPath, [...entry, ...(service.command ?? [])], {
      cwd: app,
      env: environment(name, service),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    children.push(child);
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => void (said += chunk.toString()));
    const [first] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as readonly unknown[];
    if (typeof first !== 'object' || first === null) throw new Error(`${name} ended before it was ready:\n${said}`);
    return (first as ProgramReady).running; // the only message a supervisor sends
  };

  it('is made of what is there, on the Node that runs here', () => {
    expect(node).toBe('node');
    const ignored = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n');
    for (const source of stages.flatMap(({ copies }) => copies.flatMap(({ sources }) => sources))) {
      expect(existsSync(join(ROOT, source)), source).toBe(true);
      expect(ignored).not.toContain(source);
    }
    for (const { base } of stages) expect(base).toMatch(new RegExp(`^node:${process.versions.node.split('.')[0]}-`));
  });

  it('answers help', () => {
    const help = execFileSync(process.execPath, [...entry, 'help'], {
      cwd: app,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], ...image.env },
    });
    expect(help).toContain('tidings serve');
  });

  it('has no Postgres of its own, and says so when none is given', () => {
    const { status, stderr } = spawnSync(process.execPath, [...entry, 'serve'], {
      cwd: app,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], ...image.env, DATA_DIR: join(folder, 'none'), OIDC_ISSUER: issuer.url },
    });
    expect(status).toBe(1);
    expect(stderr).toContain('set DATABASE_URL to a Postgres of your own');
  });

  it('migrates, serves its parts apart, takes mail and stops', async () => {
    for (const [name, service] of ours.filter(([, { command }]) => command?.[0] === 'migrate')) {
      const migrated = execFileSync(process.execPath, [...entry, ...(service.command ?? [])], {
        cwd: app,
        encoding: 'utf8',
        env: environment(name, service),
      });
      expect(migrated).toContain('up to date');
    }
    const running = await Promise.all(serving.map(([name, service]) => start(name, service)));
    const httpUrl = running.find((one) => one.httpUrl !== null)?.httpUrl ?? expect.unreachable(said);
    const smtp = running.find((one) => one.smtp !== null)?.smtp ?? expect.unreachable(said);
    expect(running.map(({ devIssuer, embeddedUrl }) => [devIssuer, embeddedUrl])).toEqual(serving.map(() => [null, null]));

    const token = await issuer.token({ sub: 'dora', name: 'Dora', email: 'dora@tidings.test', email_verified: true });
    const client = createClient({ baseUrl: httpUrl, token: () => token });
    const ready = async (): Promise<Readonly<Record<string, unknown>>> => client.getReadiness();
    // Each part tells of itself when it is up, so that the first answer may know of some only.
    await vi.waitFor(
      async () => {
        const { ready: isReady, services } = await ready();
        expect([isReady, services]).toEqual([true, expect.objectContaining({ length: serviceNames.length })]);
      },
      { timeout: 30_000, interval: 100 },
    );

    const told = await (await fetch(new URL('/metrics', httpUrl))).text();
    // What Kafka has to do with is told where there is one: tests/engines/kafka-relay.test.ts.
    for (const name of askedMetrics().filter((one) => !/_(relay|kafka|tail)_/.test(one)))
      expect(told, 'what the dashboard shows').toContain(`# TYPE ${name} `);

    const mailboxId = (await client.getMe()).mailboxes[0]?.id ?? expect.unreachable('Dora has no mailbox');
    const transport = createTransport({ host: '127.0.0.1', port: smtp.port, tls: { rejectUnauthorized: false } });
    await transport.sendMail({ from: 'bob@example.org', to: 'dora@tidings.test', subject: 'Deployed', text: 'It works.' });
    transport.close();
    await vi.waitFor(
      async () => expect((await client.listThreads({ params: { mailboxId } })).content).toMatchObject([{ subject: 'Deployed' }]),
      { timeout: 60_000, interval: 50 },
    );

    for (const child of children) child.kill('SIGTERM');
    await Promise.all(children.map(async (child) => child.exitCode ?? once(child, 'exit')));
    expect(
      children.map(({ exitCode }) => exitCode),
      said,
    ).toEqual(children.map(() => 0));
  });
});
