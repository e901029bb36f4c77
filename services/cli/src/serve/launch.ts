/** `tidings serve` in processes of its own, with its own data folder, told apart from the one who launches it: for the demo and for tests. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { ProgramReady, Running } from './messages.ts';

export interface LaunchOptions {
  /** Absolute; there already. */
  readonly dataDir: string;
  /** Services to run; default all. */
  readonly services?: readonly string[];
  /** Beside free ports and quiet logs; nothing else is taken from our own environment but PATH and HOME. */
  readonly env?: Readonly<Record<string, string>>;
  /** In a process group of its own, so that a Ctrl-C meant for us does not reach it. */
  readonly ownGroup?: boolean;
  /** Gives up waiting, and ends what has started. */
  readonly signal?: AbortSignal;
}

export interface Launched {
  readonly running: Running;
  /** Of the supervisor, which leads the process group when it has its own. */
  readonly pid: number;
  /** What it printed so far: panel and logs. */
  readonly output: () => string;
  readonly hasEnded: () => boolean;
  /** With the exit code, null after a signal. */
  readonly exited: Promise<number | null>;
  /** To all of the group where it has its own. What is gone already is left in peace. */
  readonly signal: (name: NodeJS.Signals) => void;
}

const MAIN = fileURLToPath(new URL('../../bin/tidings.mjs', import.meta.url));

/** Resolves when it is ready. @throws with everything the program said when it ends before that */
export const launch = async (options: LaunchOptions): Promise<Launched> => {
  // As root, Postgres runs under another account, which must get through.
  await chmod(options.dataDir, 0o711);
  const child = spawn(process.execPath, [MAIN, 'serve', ...(options.services ?? [])], {
    // The channel says when it is ready, and ends it should we die.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: options.ownGroup === true,
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      DATA_DIR: options.dataDir,
      HTTP_PORT: '0',
      SMTP_PORT: '0',
      LOG_LEVEL: 'warn',
      ...options.env,
    },
  });
  let said = '';
  child.stdout?.on('data', (chunk: Buffer) => void (said += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => void (said += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  const giveUp = (): void => void child.kill('SIGTERM');
  if (options.signal?.aborted === true) giveUp();
  options.signal?.addEventListener('abort', giveUp, { once: true });
  try {
    const running = await ready(child, exited, () => said);
    const { pid } = child;
    if (pid === undefined) throw new Error('the program has no process');
    return {
      running,
      pid,
      output: () => said,
      hasEnded: () => child.exitCode !== null || child.signalCode !== null,
      exited,
      signal: (name) => sendSignal(options.ownGroup === true ? -pid : pid, name),
    };
  } finally {
    options.signal?.removeEventListener('abort', giveUp);
  }
};

const ready = async (child: ChildProcess, exited: Promise<number | null>, said: () => string): Promise<Running> => {
  const message = await Promise.race([once(child, 'message'), exited]);
  if (Array.isArray(message)) return (message[0] as ProgramReady).running; // the only message a supervisor sends
  throw new Error(`the program ended before it was ready (exit code ${String(message)}):\n${said()}`);
};

const sendSignal = (target: number, name: NodeJS.Signals): void => {
  try {
    process.kill(target, name);
  } catch (error) {
    // gone already, which is what was wanted
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
};
