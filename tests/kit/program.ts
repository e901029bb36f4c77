/** The whole program as a black box: `tidings serve` in processes of its own, on free ports, with its own data folder and database. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launch } from '../../services/cli/src/serve/launch.ts';
import type { Running } from '../../services/cli/src/serve/messages.ts';
import { fetchToken } from '../../services/cli/src/token.ts';
import { databaseFromTemplate, fillFromTemplate } from './program-template.ts';

export interface ProgramOptions {
  /** `PROCESSES` is that of the tests' own environment unless it is named. */
  readonly env?: Readonly<Record<string, string>>;
  /** Services to run; default all. */
  readonly services?: readonly string[];
  /** Of an earlier program, to start on its data again; then whoever made it removes it. Its Postgres is in it. */
  readonly dataDir?: string;
  /** Runs the Postgres that is built in, for suites about it or that cut its power; others get a database on that of the test run. */
  readonly ownPostgres?: boolean;
  /** Makes its database itself, as a first start does, where others take a copy of an empty one. */
  readonly fresh?: boolean;
}

export interface Program {
  readonly httpUrl: string;
  readonly smtpPort: number;
  readonly dataDir: string;
  readonly databaseUrl: string;
  readonly running: Running;
  /** Of the supervisor, which leads the process group. */
  readonly pid: number;
  /** What it printed so far: panel and logs. */
  readonly output: () => string;
  /** A demo user's token from the development issuer (alice, bob, carol; `service`); asked for once. */
  readonly token: (user: string) => Promise<string>;
  /** As Ctrl-C at a terminal. @returns the exit code */
  readonly interrupt: () => Promise<number | null>;
  /** Kills the whole process group with SIGKILL, as a power cut would; the data stays. */
  readonly kill9: () => Promise<void>;
  /** Ends it if it runs, and removes its data unless the folder was given. */
  readonly stop: () => Promise<void>;
}

/** @throws with everything the program said when it ends before it is ready */
export const startProgram = async (options: ProgramOptions = {}): Promise<Program> => {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'tidings-program-')));
  const { services = [], fresh = false, ownPostgres = fresh || options.dataDir !== undefined } = options;
  const given = options.env?.['DATABASE_URL'];
  const database = ownPostgres || given !== undefined ? null : await databaseFromTemplate();
  if (database === null && given === undefined && !fresh) await fillFromTemplate(dataDir);
  const processes = process.env['PROCESSES'];
  const env = {
    ...(processes === undefined ? {} : { PROCESSES: processes }),
    ...(database === null ? {} : { DATABASE_URL: database.url }),
    ...options.env,
  };
  // A process group of its own, as a shell gives to what it starts.
  const { running, pid, output, hasEnded, exited, signal } = await launch({ dataDir, services, env, ownGroup: true });

  const tokens = new Map<string, Promise<string>>();
  const interrupt = (): Promise<number | null> => {
    signal('SIGINT');
    return exited;
  };
  return {
    httpUrl: running.httpUrl ?? '',
    smtpPort: running.smtp?.port ?? 0,
    dataDir,
    databaseUrl: given ?? database?.url ?? running.embeddedUrl ?? '',
    running,
    pid,
    output,
    token: (user) => {
      const { devIssuer } = running;
      if (devIssuer === null) throw new Error('this program has no development issuer: use the tokens of the issuer it was given');
      const token = tokens.get(user) ?? fetchToken(devIssuer, user);
      tokens.set(user, token);
      return token;
    },
    interrupt,
    kill9: async () => {
      signal('SIGKILL');
      await exited;
    },
    stop: async () => {
      if (!hasEnded()) await interrupt();
      await database?.drop();
      if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
};
