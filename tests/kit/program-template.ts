/**
 * What programs of a test run begin with: an empty database, migrated, with its read models. It is made once and copied for each, as making it takes
 * longer than all else of a start. The start itself is tested on a folder of its own (`fresh`).
 */
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { launch } from '../../services/cli/src/serve/launch.ts';
import { createDatabase, type TestDatabase } from './databases.ts';

/** Set by `global-setup.ts`; outside a test run (a bench) there are none, and each program makes its own. */
const HOME = 'TIDINGS_TEST_TEMPLATE';
const POSTGRES = 'TIDINGS_TEST_POSTGRES';
const PATIENCE_MS = 100_000;
const TEMPLATE = 'tidings_template';

export const offerTemplatesIn = (home: string, adminUrl: string): void => {
  process.env[HOME] = home;
  process.env[POSTGRES] = adminUrl;
};

/** Fills an empty folder with a Postgres of the program's own; one that has something in it stays as it is. */
export const fillFromTemplate = async (dataDir: string): Promise<void> => {
  const home = process.env[HOME];
  if (home === undefined || (await readdir(dataDir)).length > 0) return;
  const template = await madeOnce(home, 'folder', (folder) => makeReadModels(folder));
  // Owners too: as root, Postgres runs under another account.
  await promisify(execFile)('cp', ['-a', `${template}/.`, dataDir]);
};

/** A database on the run's Postgres; null where there is no run. */
export const databaseFromTemplate = async (): Promise<TestDatabase | null> => {
  const [home, adminUrl] = [process.env[HOME], process.env[POSTGRES]];
  if (home === undefined || adminUrl === undefined) return null;
  await madeOnce(home, 'database', async () => {
    const { url } = await createDatabase(adminUrl, 'template0', TEMPLATE);
    const dataDir = await mkdtemp(join(tmpdir(), 'tidings-template-'));
    await makeReadModels(dataDir, { DATABASE_URL: url });
    await rm(dataDir, { recursive: true });
  });
  return createDatabase(adminUrl, TEMPLATE);
};

/** By whichever process of the run asks first; the others wait. @returns the folder that says it is there */
const madeOnce = async (home: string, what: string, make: (folder: string) => Promise<void>): Promise<string> => {
  const ready = join(home, `${what}-ready`);
  if (await exists(ready)) return ready;
  const making = join(home, `${what}-making`);
  const isOurs = await mkdir(making).then(
    () => true,
    () => false,
  );
  if (isOurs) {
    await make(making);
    await rename(making, ready);
    return ready;
  }
  for (const until = Date.now() + PATIENCE_MS; Date.now() < until; await delay(50)) if (await exists(ready)) return ready;
  throw new Error(`the template (${what}) was not made in time`);
};

const makeReadModels = async (dataDir: string, env: Readonly<Record<string, string>> = {}): Promise<void> => {
  await chmod(dataDir, 0o711);
  // The projector makes them; nobody can have sent anything to it.
  const { exited, signal } = await launch({ dataDir, services: ['projector'], env, ownGroup: true });
  signal('SIGINT');
  await exited;
};

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
