/**
 * A data folder with an empty, migrated database and read models, made once in a test run and copied for each program: making one takes
 * longer than all else of a start. The start itself is tested on a folder of its own (`fresh`).
 */
import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { launch } from '../../services/cli/src/serve/launch.ts';

/** Set by `global-setup.ts`; outside a test run (a bench) there is none, and each program makes its own. */
const HOME = 'TIDINGS_TEST_TEMPLATE';
const PATIENCE_MS = 100_000;

export const offerTemplatesIn = (home: string): void => void (process.env[HOME] = home);

/** Fills an empty folder; one that has something in it stays as it is. */
export const fillFromTemplate = async (dataDir: string): Promise<void> => {
  const home = process.env[HOME];
  if (home === undefined || (await readdir(dataDir)).length > 0) return;
  const template = await madeOnce(home);
  // Owners too: as root, Postgres runs under another account.
  await promisify(execFile)('cp', ['-a', `${template}/.`, dataDir]);
};

const madeOnce = async (home: string): Promise<string> => {
  const ready = join(home, 'ready');
  if (await exists(ready)) return ready;
  const making = join(home, 'making');
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
  throw new Error('the template of the data folder was not made in time');
};

const make = async (dataDir: string): Promise<void> => {
  await chmod(dataDir, 0o711);
  // The projector makes the read models; nobody can have sent anything to it.
  const { exited, signal } = await launch({ dataDir, services: ['projector'], ownGroup: true });
  signal('SIGINT');
  await exited;
};

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
