/** The whole program as a black box: `tidings serve` in processes of its own, on free ports, with its own data folder. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fetchToken } from '../../services/cli/src/token.ts';
import type { ProgramReady, Running } from '../../services/cli/src/serve/messages.ts';

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Services to run; default all. */
  readonly services?: readonly string[];
  /** Of an earlier program, to start on its data again; then whoever made it removes it. */
  readonly dataDir?: string;
}

export interface Program {
  readonly httpUrl: string;
  readonly smtpPort: number;
  readonly dataDir: string;
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

const MAIN = fileURLToPath(new URL('../../services/cli/bin/tidings.mjs', import.meta.url));

/** @throws with everything the program said when it ends before it is ready */
export const startProgram = async (options: ProgramOptions = {}): Promise<Program> => {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'tidings-program-')));
  // As root, Postgres runs under another account, which must get through.
  await chmod(dataDir, 0o711);
  const child = spawn(process.execPath, [MAIN, 'serve', ...(options.services ?? [])], {
    // A process group of its own, as a shell gives to what it starts; the channel ends it should this test die.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      DATA_DIR: dataDir,
      HTTP_PORT: '0',
      SMTP_PORT: '0',
      LOG_LEVEL: 'warn',
      ...options.env,
    },
  });
  let said = '';
  child.stdout?.on('data', (chunk: Buffer) => void (said += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => void (said += chunk.toString()));
  const { pid } = child;
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  const running = await ready(child, exited, () => said);
  if (pid === undefined) throw new Error('the program has no process');

  const tokens = new Map<string, Promise<string>>();
  const interrupt = (): Promise<number | null> => {
    signal(-pid, 'SIGINT');
    return exited;
  };
  return {
    httpUrl: running.httpUrl ?? '',
    smtpPort: running.smtp?.port ?? 0,
    dataDir,
    running,
    pid,
    output: () => said,
    token: (user) => {
      const { devIssuer } = running;
      if (devIssuer === null) throw new Error('this program has no development issuer: use the tokens of the issuer it was given');
      const token = tokens.get(user) ?? fetchToken(devIssuer, user);
      tokens.set(user, token);
      return token;
    },
    interrupt,
    kill9: async () => {
      signal(-pid, 'SIGKILL');
      await exited;
    },
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) await interrupt();
      if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
};

const ready = async (child: ChildProcess, exited: Promise<number | null>, said: () => string): Promise<Running> => {
  const message = await Promise.race([once(child, 'message'), exited]);
  if (Array.isArray(message)) return (message[0] as ProgramReady).running; // the only message a supervisor sends
  throw new Error(`the program ended before it was ready (exit code ${String(message)}):\n${said()}`);
};

const signal = (target: number, name: NodeJS.Signals): void => {
  try {
    process.kill(target, name);
  } catch (error) {
    // gone already, which is what was wanted
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
};
