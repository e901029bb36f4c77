/**
 * A real Keycloak for tests: its own distribution from Maven Central, in development mode with a database in memory, and the realm of the deployed form. It is
 * fetched once (some 160 MB) and kept in a folder beside Maven's repository.
 */
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { keep } from './kept.ts';
import { freePort } from './ports.ts';

const VERSION = '26.3.5';
const HOME = join(homedir(), '.m2', 'tidings-engines', `keycloak-${VERSION}`);
const REALM_FILE = fileURLToPath(new URL('../../infra/deploy/keycloak/tidings-realm.json', import.meta.url));
const UP_WITHIN_MS = 600_000;
const ADMIN = { username: 'admin', password: 'of this test alone' } as const;

const run = promisify(execFile);

export interface Keycloak {
  /** For `OIDC_ISSUER`. */
  readonly issuer: string;
  readonly version: string;
  /** An access token of a user of the realm, or of the administrator of Keycloak itself, whose issuer is another one. */
  readonly token: (user: { readonly username: string; readonly password: string }) => Promise<string>;
  readonly adminToken: () => Promise<string>;
  /** Asks the admin API below `/admin/realms/tidings`. @returns the body, null for none. @throws for anything but a 2xx */
  readonly admin: (method: string, path: string, body?: unknown) => Promise<unknown>;
  readonly stop: () => Promise<void>;
}

/** Why none can run here; null when one can. */
export const keycloakLacks = async (): Promise<string | null> => {
  if (!(await works('java', '-version'))) return 'there is no Java';
  return existsSync(HOME) || (await works('mvn', '-v')) ? null : 'there is no Maven to fetch Keycloak with';
};

const works = (command: string, ...args: readonly string[]): Promise<boolean> =>
  run(command, args).then(
    () => true,
    () => false,
  );

export const startKeycloak = async (): Promise<Keycloak> => {
  await fetchDistribution();
  const [port, management] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const server = spawn(
    join(HOME, 'bin', 'kc.sh'),
    [
      'start-dev',
      '--db=dev-mem',
      '--http-host=127.0.0.1',
      `--http-port=${port}`,
      `--http-management-port=${management}`,
      `--hostname=${url}`,
    ],
    {
      detached: true, // the script starts Java: both end together
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        HOME: homedir(),
        JAVA_OPTS: '-Xmx512m -XX:TieredStopAtLevel=1',
        KC_BOOTSTRAP_ADMIN_USERNAME: ADMIN.username,
        KC_BOOTSTRAP_ADMIN_PASSWORD: ADMIN.password,
      },
    },
  );
  let said = '';
  server.stdout.on('data', (chunk: Buffer) => void (said += chunk.toString()));
  server.stderr.on('data', (chunk: Buffer) => void (said += chunk.toString()));
  const ended = new Promise<void>((resolve) => server.once('close', () => resolve()));
  const stop = async (): Promise<void> => {
    if (server.pid !== undefined && server.exitCode === null) process.kill(-server.pid, 'SIGKILL');
    await ended;
  };

  const login = async (realm: string, client: string, { username, password }: { readonly username: string; readonly password: string }) => {
    const answer = await fetch(`${url}/realms/${realm}/protocol/openid-connect/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'password', client_id: client, username, password }),
    });
    const text = await answer.text();
    if (answer.status !== 200) throw new Error(`Keycloak gave ${username} no token: ${text}`);
    return (JSON.parse(text) as { access_token: string }).access_token;
  };
  const adminToken = (): Promise<string> => login('master', 'admin-cli', ADMIN);
  const ask = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const answer = await fetch(`${url}/admin/realms${path}`, {
      method,
      headers: { authorization: `Bearer ${await adminToken()}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`Keycloak answered ${method} ${path} with ${answer.status}: ${text}`);
    return text === '' ? null : (JSON.parse(text) as unknown);
  };

  try {
    for (const until = Date.now() + UP_WITHIN_MS; !(await answers(`${url}/realms/master`)); await delay(500))
      if (server.exitCode !== null || Date.now() > until) throw new Error(`Keycloak does not come up:\n${said}`);
    await ask('POST', '', JSON.parse(await readFile(REALM_FILE, 'utf8')));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    issuer: `${url}/realms/tidings`,
    version: VERSION,
    token: (user) => login('tidings', 'tidings-web', user),
    adminToken,
    admin: (method, path, body) => ask(method, `/tidings${path}`, body),
    stop,
  };
};

const answers = (url: string): Promise<boolean> =>
  fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );

const fetchDistribution = (): Promise<void> =>
  keep(HOME, async (work) => {
    const artifact = `org.keycloak:keycloak-quarkus-dist:${VERSION}:zip`;
    await run('mvn', ['-q', '-B', 'dependency:get', `-Dartifact=${artifact}`, '-Dtransitive=false']);
    await run('mvn', ['-q', '-B', 'dependency:unpack', `-Dartifact=${artifact}`, `-DoutputDirectory=${work}`], { cwd: work }); // it leaves marks where it runs
    return join(work, `keycloak-${VERSION}`);
  });
