/**
 * A real Kafka broker for tests: the project's own jars from Maven Central, one process in KRaft mode. They are fetched once (some 46 MB) and
 * kept in Maven's repository and in a folder beside it.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { selfSigned } from '../../services/smtp-ingress/src/certificate.ts';
import { keepJars } from './kept.ts';
import { freePort, listening } from './ports.ts';

const VERSION = '3.9.1';
const JARS = join(homedir(), '.m2', 'tidings-engines', `kafka-${VERSION}-b`);
const PROGRAM = join(import.meta.dirname, 'KafkaNode.java');
const JVM = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-cp', `${JARS}:${JARS}/*`];
const CLUSTER = 'MkU3OEVBNTcwNTJENDM2Qk';
const UP_WITHIN_MS = 60_000;

const run = promisify(execFile);

export interface KafkaBroker {
  /** `host:port`, for `KAFKA_BROKERS`, in the clear. */
  readonly address: string;
  /** By TLS, and by TLS for who logs in as `login`. */
  readonly tlsAddress: string;
  readonly saslAddress: string;
  readonly login: { readonly username: string; readonly password: string };
  /** The PEM file that vouches for it. */
  readonly caFile: string;
  readonly version: string;
  /** With SIGKILL; its data stays. */
  readonly kill: () => Promise<void>;
  /** Again on the same port and data. */
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Why no broker can run here; null when one can. */
export const kafkaLacks = async (): Promise<string | null> => {
  if (!(await works('javac', '-version'))) return 'there is no JDK';
  return existsSync(JARS) || (await works('mvn', '-v')) ? null : 'there is no Maven to fetch the broker with';
};

const works = (command: string, ...args: readonly string[]): Promise<boolean> =>
  run(command, args).then(
    () => true,
    () => false,
  );

export const startKafka = async (): Promise<KafkaBroker> => {
  await keepJars(JARS, [['org.apache.kafka', 'kafka_2.13', VERSION]], PROGRAM);
  const home = await mkdtemp(join(tmpdir(), 'tidings-kafka-'));
  const [port, controllerPort, tlsPort, saslPort] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const address = `127.0.0.1:${port}`;
  const [tlsAddress, saslAddress] = [`localhost:${tlsPort}`, `localhost:${saslPort}`];
  const login = { username: 'tidings', password: 'a secret of ours' };
  const properties = join(home, 'server.properties');
  const [caFile, identity] = [join(home, 'ca.pem'), join(home, 'broker.pem')];
  const { key, cert } = selfSigned('localhost', Date.now());
  await writeFile(caFile, cert);
  await writeFile(identity, key + cert);
  await writeFile(
    properties,
    [settings(home, { address, tlsAddress, saslAddress, controller: `127.0.0.1:${controllerPort}` }), security(identity, login)].join(''),
  );
  await run('java', [...JVM, 'kafka.tools.StorageTool', 'format', '-t', CLUSTER, '-c', properties]);
  let broker: ChildProcess | null = null;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (broker === null || broker.exitCode !== null || broker.signalCode !== null) return;
    const ended = new Promise((resolve) => broker?.once('exit', resolve));
    broker.kill(signal);
    await ended;
  };
  const start = async (): Promise<void> => {
    broker = spawn('java', [...JVM, 'KafkaNode', properties], { stdio: ['pipe', 'ignore', 'ignore'] });
    await listening('the broker', port, broker, UP_WITHIN_MS).catch(async (error: unknown) => {
      await end('SIGKILL'); // nobody else would
      throw error;
    });
  };
  await start();
  return {
    ...{ address, tlsAddress, saslAddress, login, caFile },
    version: VERSION,
    start,
    kill: () => end('SIGKILL'),
    stop: async () => {
      await end('SIGTERM');
      await rm(home, { recursive: true, force: true });
    },
  };
};

interface Addresses extends Pick<KafkaBroker, 'address' | 'tlsAddress' | 'saslAddress'> {
  readonly controller: string;
}

const settings = (home: string, { address, tlsAddress, saslAddress, controller }: Addresses): string => `
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@${controller}
listeners=PLAINTEXT://${address},SSL://${tlsAddress},SASL_SSL://${saslAddress},CONTROLLER://${controller}
advertised.listeners=PLAINTEXT://${address},SSL://${tlsAddress},SASL_SSL://${saslAddress}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL
inter.broker.listener.name=PLAINTEXT
log.dirs=${join(home, 'data')}
num.partitions=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
`;

const security = (identity: string, { username, password }: KafkaBroker['login']): string => `
ssl.keystore.type=PEM
ssl.keystore.location=${identity}
sasl.enabled.mechanisms=PLAIN
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_${username}="${password}";
`;
