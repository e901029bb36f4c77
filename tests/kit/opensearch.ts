/**
 * A real OpenSearch for tests: the one at `OPENSEARCH_URL`, or one node of the project's own jars from Maven Central, or one by Testcontainers where Docker runs.
 * The jars are fetched once (some 60 MB) and kept in Maven's repository and in a folder beside it.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GenericContainer, getContainerRuntimeClient, Wait } from 'testcontainers';
import { keepJars } from './kept.ts';
import { freePort, listening } from './ports.ts';

const VERSION = '2.19.3';
const JARS = join(homedir(), '.m2', 'tidings-engines', `opensearch-${VERSION}-b`);
const PROGRAM = join(import.meta.dirname, 'OpenSearchNode.java');
/** Up soon, for tests; or as it runs for years, for measurements. */
const JVM = { quick: ['-Xmx512m', '-XX:TieredStopAtLevel=1'], lasting: ['-Xms1g', '-Xmx1g'] } as const;
const ARTIFACTS = [
  ['org.opensearch', 'opensearch', VERSION],
  ['org.opensearch.plugin', 'transport-netty4-client', VERSION],
  ['org.opensearch.plugin', 'analysis-common', VERSION],
  ['org.apache.logging.log4j', 'log4j-core', '2.21.0'],
] as const;
const IMAGE = `opensearchproject/opensearch:${VERSION}`;
const PORT = 9200;
const UP_WITHIN_MS = 180_000;

const run = promisify(execFile);

export interface OpenSearchServer {
  readonly url: string;
  readonly name: string;
  /** Begins the names of indexes of this run, as several may share a server. */
  readonly prefix: string;
  /** With SIGKILL; its data stays. Null where it is not ours to kill. */
  readonly kill: (() => Promise<void>) | null;
  /** Again on the same port and data. */
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Why no server can run here; null when one can. */
export const openSearchLacks = async (): Promise<string | null> => {
  if (process.env['OPENSEARCH_URL'] !== undefined || (await hasJars())) return null;
  return getContainerRuntimeClient().then(
    () => null,
    () => 'there is no OPENSEARCH_URL, no Java and Maven to run OpenSearch with, and no Docker',
  );
};

const hasJars = async (): Promise<boolean> => (await works('javac', '-version')) && (existsSync(JARS) || (await works('mvn', '-v')));

const works = (command: string, ...args: readonly string[]): Promise<boolean> =>
  run(command, args).then(
    () => true,
    () => false,
  );

export const startOpenSearch = async (jvm: keyof typeof JVM = 'quick'): Promise<OpenSearchServer> => {
  const prefix = `test-${randomUUID().slice(0, 8)}`;
  const given = process.env['OPENSEARCH_URL'];
  if (given !== undefined) {
    const nothing = (): Promise<void> => Promise.resolve();
    return { url: given, name: 'OpenSearch at OPENSEARCH_URL', prefix, kill: null, start: nothing, stop: nothing };
  }
  return (await hasJars()) ? startNode(prefix, JVM[jvm]) : startContainer(prefix);
};

const startNode = async (prefix: string, jvm: readonly string[]): Promise<OpenSearchServer> => {
  await keepJars(JARS, ARTIFACTS, PROGRAM);
  const home = await mkdtemp(join(tmpdir(), 'tidings-opensearch-'));
  await mkdir(join(home, 'config'));
  const port = await freePort();
  let node: ChildProcess | null = null;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (node === null || node.exitCode !== null || node.signalCode !== null) return;
    const ended = new Promise((resolve) => node?.once('exit', resolve));
    node.kill(signal);
    await ended;
  };
  const start = async (): Promise<void> => {
    node = spawn('java', [...jvm, '-cp', `${JARS}:${JARS}/*`, 'OpenSearchNode', home, String(port)], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    await listening('OpenSearch', port, node, UP_WITHIN_MS).catch(async (error: unknown) => {
      await end('SIGKILL'); // nobody else would
      throw error;
    });
  };
  await start();
  return {
    ...{ prefix, start },
    url: `http://127.0.0.1:${port}`,
    name: `OpenSearch ${VERSION} (its jars)`,
    kill: () => end('SIGKILL'),
    stop: async () => {
      await end('SIGTERM');
      await rm(home, { recursive: true, force: true });
    },
  };
};

const startContainer = async (prefix: string): Promise<OpenSearchServer> => {
  const container = await new GenericContainer(IMAGE)
    .withEnvironment({ 'discovery.type': 'single-node', DISABLE_SECURITY_PLUGIN: 'true', OPENSEARCH_JAVA_OPTS: '-Xmx512m' })
    .withExposedPorts(PORT)
    .withWaitStrategy(Wait.forHttp('/', PORT).forStatusCode(200))
    .start();
  return {
    ...{ prefix, kill: null, start: () => Promise.resolve() },
    url: `http://${container.getHost()}:${container.getMappedPort(PORT)}`,
    name: `OpenSearch (${IMAGE})`,
    stop: async () => void (await container.stop()),
  };
};
