/** One supervised child: started, asked to stop, started again when it ends unasked. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { argsOf, type Groups, nodeOptionsOf } from './groups.ts';
import type { Endpoints, FromChild, ToChild } from './messages.ts';

const STOP_LIMIT_MS = 10_000;
const RESTART_DELAYS_MS = [100, 250, 500, 1_000, 2_000, 5_000];
const HEALTHY_AFTER_MS = 30_000;
const ENTRY = fileURLToPath(new URL('child.ts', import.meta.url));

/** The child's own sentence about why it could not start. */
export class ChildFailed extends Error {
  override readonly name = 'ChildFailed';
}

export interface SupervisedChild {
  readonly endpoints: Endpoints;
  /** Asks, waits, insists. */
  readonly stop: () => Promise<void>;
}

export interface ChildOptions {
  /** What it is called in logs. */
  readonly name: string;
  readonly groups: Groups;
  readonly env: NodeJS.ProcessEnv;
  readonly logger: Logger;
  /** It loads its code meanwhile, and begins when this resolves; where this rejects it is not wanted. */
  readonly after: Promise<unknown>;
}

/** Resolves when the child is ready. @throws ChildFailed when its first start fails, and why it was not wanted */
export const startChild = async (options: ChildOptions): Promise<SupervisedChild> => {
  const { name, logger } = options;
  const stopping = new AbortController();
  let child = spawnChild(options, {});
  const first = ready(child, name);
  first.catch(() => undefined); // awaited below
  await options.after.catch(async (error: unknown) => {
    await endUnbegun(child);
    throw error;
  });
  begin(child);
  const endpoints = await first.catch(async (error: unknown) => {
    await ended(child); // it takes back what it has opened, which still needs its database
    throw error;
  });

  const watch = async (): Promise<void> => {
    let failures = 0;
    for (;;) {
      const began = Date.now();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      if (stopping.signal.aborted) return;
      if (Date.now() - began > HEALTHY_AFTER_MS) failures = 0;
      logger.error({ process: name, code: child.exitCode, signal: child.signalCode }, 'a process ended unasked; starting it again');
      await delay(RESTART_DELAYS_MS[Math.min(failures++, RESTART_DELAYS_MS.length - 1)], undefined, { signal: stopping.signal }).catch(
        () => undefined,
      );
      if (stopping.signal.aborted) return;
      child = spawnChild(options, endpoints);
      begin(child);
      await ready(child, name).then(
        () => logger.info({ process: name }, 'the process runs again'),
        (error: unknown) => logger.error({ process: name, err: error }, 'the process could not start'),
      );
    }
  };
  const watching = watch();

  return {
    endpoints,
    stop: async () => {
      stopping.abort();
      const last = child;
      if (last.connected) last.send({ type: 'stop' } satisfies ToChild, () => undefined); // it may be gone by now, which is what is wanted
      const insist = setTimeout(() => {
        logger.warn({ process: name }, 'the process does not stop; ending it');
        last.kill('SIGKILL');
      }, STOP_LIMIT_MS);
      await watching;
      clearTimeout(insist);
    },
  };
};

const begin = (child: ChildProcess): void => {
  if (child.connected) child.send({ type: 'begin' } satisfies ToChild, () => undefined); // where it is gone by now, `ready` says so
};

/** It has opened nothing, so there is nothing to close. */
const endUnbegun = async (child: ChildProcess): Promise<void> => {
  child.kill('SIGKILL');
  await ended(child);
};

const ended = async (child: ChildProcess): Promise<void> => {
  const runs = child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  if (runs) await once(child, 'exit');
};

/** A restarted child takes the ports it had, so that `HTTP_PORT=0` does not move under its clients. */
const spawnChild = ({ groups, env }: ChildOptions, had: Endpoints): ChildProcess =>
  fork(ENTRY, argsOf(groups), {
    execArgv: [...process.execArgv, ...nodeOptionsOf(groups)],
    env: {
      ...env,
      ...(had.http === undefined ? {} : { HTTP_PORT: String(had.http.port) }),
      ...(had.smtp === undefined ? {} : { SMTP_PORT: String(had.smtp.port) }),
    },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });

const ready = (child: ChildProcess, name: string): Promise<Endpoints> =>
  new Promise((resolve, reject) => {
    child.on('message', (message: FromChild) => {
      if (message.type === 'ready') resolve(message.endpoints);
      else reject(new ChildFailed(message.reason));
    });
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      reject(new ChildFailed(`the process "${name}" ended while starting (${signal ?? `exit code ${code}`})`)),
    );
  });
