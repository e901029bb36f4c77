/**
 * A real Postgres with no set-up (architecture §7): binaries from npm, data below `DATA_DIR`, reached by a Unix socket that only we can
 * enter. It never outlives the process that started it, and comes back by itself when it dies.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from 'pino';
import { findBinaries } from './binaries.ts';
import { EmbeddedPostgresError } from './errors.ts';
import { claim } from './owner.ts';
import { choosePlace, type Place } from './place.ts';
import { type Guarded, isPostgresAlive, logTail, readPostmaster, spawnGuarded } from './postmaster.ts';

export interface EmbeddedPostgresOptions {
  /** Postgres's own folder; made when missing. Its parent also gets `run/` (the socket) and `postgres.log`. */
  readonly dataDir: string;
  readonly logger: Logger;
  /** Server settings on top of ours, by name. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Told once when Postgres died and could not be brought back. */
  readonly onFailure?: (error: EmbeddedPostgresError) => void;
}

export interface EmbeddedPostgres {
  /** Of the database `tidings`. */
  readonly url: string;
  /** Of the maintenance database `postgres`, same server. */
  readonly adminUrl: string;
  /** Where the data really is (root may have to keep it elsewhere). */
  readonly dataDir: string;
  readonly logFile: string;
  /** The server's process id right now, null while it is down. */
  readonly pid: () => number | null;
  /** Fast shutdown; resolves when no process is left. */
  readonly stop: () => Promise<void>;
}

const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '',
  port: '5432',
  max_connections: '200',
  shared_buffers: '256MB',
  max_wal_size: '4GB',
  checkpoint_timeout: '15min',
  fsync: 'on',
  synchronous_commit: 'on',
  jit: 'off',
  // Short queries on few cores; and parallel ones need more /dev/shm than containers give.
  max_parallel_workers_per_gather: '0',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
};

const START_LIMIT_MS = 120_000;
const STOP_LIMIT_MS = 60_000;
const MAX_LOG_BYTES = 10 * 1024 * 1024;
const RESTART_DELAYS_MS = [50, 200, 500, 1_000, 2_000, 3_000, 5_000, 5_000];
/** A server that ran this long was healthy: its next death starts the delays anew. */
const HEALTHY_AFTER_MS = 30_000;

/** @throws EmbeddedPostgresError with a sentence and the end of the server log */
export const startEmbeddedPostgres = async (options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> => {
  const { logger } = options;
  const place = choosePlace(options.dataDir, await findBinaries(), logger);
  const home = dirname(place.dataDir);
  const release = await claim(join(home, 'postgres.owner'));
  const logFile = join(home, 'postgres.log');
  const command = [place.binaries.postgres, '-D', place.dataDir, ...settingArguments(place, options.settings)];
  try {
    await endPredecessor(place.dataDir, logger);
    rotate(logFile);
    if (!existsSync(join(place.dataDir, 'PG_VERSION'))) await initialise(place, logFile, options.settings?.['fsync'] === 'off');
    const keeper = keepRunning({
      command,
      place,
      logFile,
      logger,
      onFailure: options.onFailure,
      first: await startServer(command, place, logFile),
    });
    try {
      await prepareDatabase(place);
    } catch (error) {
      await keeper.stop();
      throw error;
    }
    return {
      url: urlOf(place, 'tidings'),
      adminUrl: urlOf(place, 'postgres'),
      dataDir: place.dataDir,
      logFile,
      pid: () => readPostmaster(place.dataDir)?.pid ?? null,
      stop: async () => {
        await keeper.stop();
        release();
      },
    };
  } catch (error) {
    release();
    throw error;
  }
};

const urlOf = (place: Place, database: string): string =>
  `postgresql://tidings@localhost/${database}?host=${encodeURIComponent(place.socketDir)}`;

const settingArguments = (place: Place, extra: Readonly<Record<string, string>> = {}): readonly string[] =>
  Object.entries({ ...SETTINGS, ...extra, unix_socket_directories: place.socketDir }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);

/** A server that a predecessor left: still shutting down (its guardian saw to it), or orphaned when even the guardian was killed. */
const endPredecessor = async (dataDir: string, logger: Logger): Promise<void> => {
  const left = readPostmaster(dataDir);
  if (left === null) return;
  const asked = Date.now();
  let signalled = false;
  while (isPostgresAlive(left.pid, dataDir)) {
    if (!signalled) {
      signalled = true;
      logger.info({ pid: left.pid }, 'waiting for the Postgres of the last run to end');
      process.kill(left.pid, 'SIGINT');
    }
    if (Date.now() - asked > STOP_LIMIT_MS)
      throw new EmbeddedPostgresError(`a Postgres of an earlier run (process ${left.pid}) does not end`);
    await delay(20);
  }
  rmSync(join(dataDir, 'postmaster.pid'), { force: true });
};

const rotate = (logFile: string): void => {
  if (existsSync(logFile) && statSync(logFile).size > MAX_LOG_BYTES) renameSync(logFile, `${logFile}.1`);
};

/**
 * initdb beside the final folder, then a rename: a half-made folder is never taken for a database. The built-in C.UTF-8 locale sorts by
 * bytes and is the same on every machine, whatever locales it has.
 */
const initialise = async (place: Place, logFile: string, fast: boolean): Promise<void> => {
  if (existsSync(place.dataDir) && readdirSync(place.dataDir).length > 0) {
    throw new EmbeddedPostgresError(`${place.dataDir} holds files but no database; move them away, or set another DATA_DIR`);
  }
  const half = `${place.dataDir}.new`;
  rmSync(half, { recursive: true, force: true });
  mkdirSync(half, { mode: 0o700 });
  if (place.account !== undefined) chownSync(half, place.account.uid, place.account.gid);
  // Small WAL segments: a new one is filled with zeros and synced while commits wait, which for the usual 16 MB takes 20 to 80 ms.
  const wal = '--wal-segsize=2';
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const initdb = spawn(
    place.binaries.initdb,
    ['-D', half, '-U', 'tidings', '-A', 'trust', '--no-instructions', wal, ...locale, ...(fast ? ['--no-sync'] : [])],
    { stdio: ['ignore', 'pipe', 'pipe'], cwd: '/', env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C' }, ...place.account },
  );
  let said = '';
  const listen = (chunk: Buffer): void => void (said += chunk.toString());
  initdb.stdout.on('data', listen);
  initdb.stderr.on('data', listen);
  const [code] = await once(initdb, 'close');
  if (code !== 0) throw new EmbeddedPostgresError(`initdb failed (${String(code)}):\n${said.trim()}\nserver log: ${logFile}`);
  renameSync(half, place.dataDir);
};

/** Spawns Postgres and waits until it takes connections, through crash recovery if there is some. */
const startServer = async (command: readonly string[], place: Place, logFile: string): Promise<Guarded> => {
  const deadline = Date.now() + START_LIMIT_MS;
  for (;;) {
    const server = spawnGuarded(command, logFile, place.account);
    while (!server.hasExited()) {
      if (readPostmaster(place.dataDir)?.status === 'ready') return server;
      if (Date.now() > deadline) {
        server.release();
        await server.exited;
        throw new EmbeddedPostgresError(`Postgres was not ready within ${START_LIMIT_MS / 1000} s:\n${logTail(logFile)}`);
      }
      await delay(5);
    }
    const tail = logTail(logFile);
    // The children of a killed server need a moment to notice; until then its shared memory is in use.
    if (!tail.includes('shared memory block') || Date.now() > deadline - START_LIMIT_MS + 15_000) {
      throw new EmbeddedPostgresError(`Postgres ended while starting; the end of ${logFile}:\n${tail}`);
    }
    await delay(200);
    rmSync(join(place.dataDir, 'postmaster.pid'), { force: true });
  }
};

interface Kept {
  readonly command: readonly string[];
  readonly place: Place;
  readonly logFile: string;
  readonly logger: Logger;
  readonly onFailure: EmbeddedPostgresOptions['onFailure'];
  readonly first: Guarded;
}

/** Starts Postgres again whenever it ends unasked, with growing pauses; gives up when it keeps dying. */
const keepRunning = ({ command, place, logFile, logger, onFailure, first }: Kept): { readonly stop: () => Promise<void> } => {
  let server = first;
  const stopping = new AbortController();

  const watch = async (): Promise<void> => {
    let failures = 0;
    for (;;) {
      const began = Date.now();
      await server.exited;
      if (stopping.signal.aborted) return;
      if (Date.now() - began > HEALTHY_AFTER_MS) failures = 0;
      const pause = RESTART_DELAYS_MS[failures++];
      if (pause === undefined) {
        const error = new EmbeddedPostgresError(`Postgres keeps ending; the end of ${logFile}:\n${logTail(logFile)}`);
        logger.fatal(error.message);
        onFailure?.(error);
        return;
      }
      logger.error({ logFile }, 'Postgres ended unasked; starting it again');
      await delay(pause, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      rmSync(join(place.dataDir, 'postmaster.pid'), { force: true });
      try {
        server = await startServer(command, place, logFile);
        logger.info('Postgres runs again');
      } catch (error) {
        logger.error(error);
      }
    }
  };
  const watching = watch();

  return {
    stop: async () => {
      stopping.abort();
      server.release();
      const timer = setTimeout(() => {
        const left = readPostmaster(place.dataDir);
        if (left !== null && isPostgresAlive(left.pid, place.dataDir)) process.kill(left.pid, 'SIGQUIT');
      }, STOP_LIMIT_MS);
      await watching;
      server.release();
      await server.exited;
      clearTimeout(timer);
    },
  };
};

/** The database `tidings`, and the best WAL compression that this build of Postgres has. */
const prepareDatabase = async (place: Place): Promise<void> => {
  const client = new pg.Client({ connectionString: urlOf(place, 'postgres') });
  await client.connect();
  try {
    const { rows } = await client.query<{ database: boolean; compression: string; choices: readonly string[] }>(
      `select exists (select from pg_database where datname = 'tidings') as database,
              setting as compression, to_json(enumvals) as choices
         from pg_settings where name = 'wal_compression'`,
    );
    const found = rows[0];
    if (found?.database !== true) await client.query('create database tidings');
    if (found?.compression === 'off') {
      await client.query(`alter system set wal_compression = ${found.choices.includes('lz4') ? 'lz4' : 'on'}`);
      await client.query('select pg_reload_conf()');
    }
  } finally {
    await client.end();
  }
};
