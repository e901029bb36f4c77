/**
 * Who Postgres runs as and where its folders can be. Postgres refuses root, so a root process lends it another account, and that account
 * must be able to reach the binaries and the data.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, cpSync, existsSync, lstatSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Logger } from 'pino';
import type { Binaries } from './binaries.ts';
import { EmbeddedPostgresError } from './errors.ts';

/** An account that is not root; undefined: the one we run as. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

export interface Place {
  readonly account: Account | undefined;
  readonly binaries: Binaries;
  readonly dataDir: string;
  readonly socketDir: string;
}

/** Folders for root's Postgres when the asked-for ones cannot be reached by its account. */
const SHELTER = '/var/lib/tidings';
/** `sun_path` holds 104 bytes on macOS, 108 on Linux; the socket's own name takes 15. */
const MAX_SOCKET_DIR_BYTES = 88;

/** Picks account and folders, and makes the folders. @throws EmbeddedPostgresError */
export const choosePlace = (wanted: string, found: Binaries, logger: Logger): Place => {
  const asked = resolve(wanted);
  const account = chooseAccount(asked);
  if (account === undefined) {
    mkdirSync(dirname(asked), { recursive: true });
    return { account, binaries: found, dataDir: asked, socketDir: makeSocketDir(asked, account) };
  }
  mkdirSync(dirname(asked), { recursive: true, mode: 0o755 });
  const dataDir = reaches(account, '-x', dirname(asked)) ? asked : shelterFor(asked);
  if (dataDir !== asked)
    logger.warn({ asked, dataDir }, `Postgres runs as uid ${account.uid}, which cannot reach ${asked}: its data is in ${dataDir}`);
  return { account, binaries: reachableBinaries(found, account, logger), dataDir, socketDir: makeSocketDir(dataDir, account) };
};

/** The account that owns the data already, else `postgres`, else `nobody`. initdb looks the name up, so it needs a passwd entry. */
const chooseAccount = (dataDir: string): Account | undefined => {
  if (process.getuid?.() !== 0) {
    try {
      userInfo();
    } catch (cause) {
      throw new EmbeddedPostgresError(`uid ${process.getuid?.()} has no entry in /etc/passwd, and Postgres needs one`, { cause });
    }
    return undefined;
  }
  const owner = [dataDir, shelterPath(dataDir)].filter((path) => existsSync(path)).map((path) => statSync(path))[0];
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  const account = accountOf('postgres') ?? accountOf('nobody');
  if (account === undefined)
    throw new EmbeddedPostgresError('Postgres refuses to run as root, and there is no user "postgres" or "nobody"');
  return account;
};

const accountOf = (name: string): Account | undefined => {
  const idOf = (flag: string): number => Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'] }).toString());
  try {
    return { uid: idOf('-u'), gid: idOf('-g') };
  } catch {
    // `id` knows no such user
    return undefined;
  }
};

/** Asks the kernel as that account: permissions of every folder on the way, ACLs and mounts count, so no rule of ours could tell. */
const reaches = (account: Account, test: '-x' | '-r', path: string): boolean =>
  spawnSync('/bin/sh', ['-c', `test ${test} "$1"`, 'sh', path], { ...account, cwd: '/' }).status === 0;

const hashOf = (path: string): string => createHash('sha256').update(path).digest('hex').slice(0, 12);
const shelterPath = (asked: string): string => join(SHELTER, hashOf(asked), 'postgres');

const shelterFor = (asked: string): string => {
  const path = shelterPath(asked);
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  return path;
};

const reachableBinaries = (found: Binaries, account: Account, logger: Logger): Binaries => {
  if (reaches(account, '-x', found.postgres) && reaches(account, '-r', join(found.root, 'share'))) return found;
  const root = join(SHELTER, `binaries-${hashOf(`${found.root} ${statSync(found.postgres).mtimeMs}`)}`);
  if (!existsSync(root)) {
    const half = `${root}.${process.pid}`;
    mkdirSync(SHELTER, { recursive: true, mode: 0o755 });
    rmSync(half, { recursive: true, force: true });
    cpSync(found.root, half, { recursive: true, verbatimSymlinks: true });
    chmodSync(half, 0o755);
    renameSync(half, root);
  }
  logger.warn(
    { from: found.root, to: root },
    `Postgres runs as uid ${account.uid}, which cannot reach ${found.root}: using a copy in ${root}`,
  );
  return { root, initdb: join(root, 'bin', 'initdb'), postgres: join(root, 'bin', 'postgres') };
};

/** Beside the data, or below the temporary folder when that path is too long for a socket. Nobody else may enter it: Postgres trusts whoever connects. */
const makeSocketDir = (dataDir: string, account: Account | undefined): string => {
  const beside = join(dirname(dataDir), 'run');
  const short = Buffer.byteLength(beside) <= MAX_SOCKET_DIR_BYTES;
  const dir = short ? beside : join(tmpdir(), `tidings-${hashOf(dataDir)}`);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const { uid } = lstatSync(dir);
  const ours = [process.getuid?.(), account?.uid];
  if (!ours.includes(uid))
    throw new EmbeddedPostgresError(`${dir} belongs to uid ${uid}; it must be ours, since Postgres trusts whoever can enter it`);
  chmodSync(dir, 0o700);
  if (account !== undefined) chownSync(dir, account.uid, account.gid);
  return dir;
};
