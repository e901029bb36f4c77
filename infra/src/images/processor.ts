/**
 * A process for native code that reads hostile bytes: it may crash, hang or eat memory without harm to the service that asks. It has a
 * limit of memory by the system (where the system keeps one), little priority, and dies with its parent.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Job, JobResult } from './jobs.ts';
import { MEMORY_LIMIT_MB } from './limits.ts';

const WORKER = fileURLToPath(import.meta.resolve('./worker.ts'));
/** `ulimit -d` counts native memory too; V8's own limits do not. macOS keeps none, and Linux only from 4.7 on. */
const COMMAND = `ulimit -d ${MEMORY_LIMIT_MB * 1024} 2>/dev/null; exec nice -n 10 "$0" "$@"`;
const START_LIMIT_MS = 20_000;

/** The process did not start: a fault of this installation, not of a file. */
export class ImagesUnavailable extends Error {
  override readonly name = 'ImagesUnavailable';
}

export interface Processor {
  /** One at a time. Resolves to null when the process died of the job or had to be ended. @throws ImagesUnavailable */
  run(job: Job, timeoutMs: number): Promise<JobResult | null>;
  readonly isAlive: () => boolean;
  /** At once. */
  end(): Promise<void>;
}

export const startProcessor = (): Processor => {
  const child = spawn('/bin/sh', ['-c', COMMAND, process.execPath, WORKER], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { PATH: process.env['PATH'], MALLOC_ARENA_MAX: '2', UV_THREADPOOL_SIZE: '2' },
  });
  const complaints = lastWords(child);
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve()); // no shell: there is no exit then
  });
  const isAlive = (): boolean => child.exitCode === null && child.signalCode === null && child.connected;
  const end = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  /** The next message; null when there comes none in time, or ever. */
  const heard = async <A>(withinMs: number): Promise<A | null> => {
    const silence = Promise.withResolvers<null>();
    const timer = setTimeout(() => silence.resolve(null), withinMs);
    const message = Promise.withResolvers<A>();
    child.once('message', message.resolve as (message: unknown) => void); // the worker's messages are of our own making
    try {
      return await Promise.race([message.promise, silence.promise, exited.then(() => null)]);
    } finally {
      clearTimeout(timer);
      child.removeAllListeners('message');
    }
  };
  const ready = heard<'ready'>(START_LIMIT_MS);

  return {
    isAlive,
    end,
    run: async (job, timeoutMs) => {
      if ((await ready) === null) {
        await end();
        throw new ImagesUnavailable(`the image process did not start: ${complaints()}`);
      }
      const result = heard<JobResult>(timeoutMs);
      child.send(job, () => undefined); // when it cannot be sent, the process is gone, and `heard` says so
      const said = await result;
      if (said === null) await end();
      return said;
    },
  };
};

const lastWords = (child: ChildProcess): (() => string) => {
  let words = '';
  child.stderr?.setEncoding('utf8').on('data', (more: string) => void (words = (words + more).slice(-2_000)));
  child.on('error', (error) => void (words += error.message));
  return () => words.trim() || 'it said nothing';
};
