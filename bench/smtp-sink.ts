/** Postfix's `smtp-sink`: a server that takes mail as fast as it comes and throws it away. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { freePort, listening } from '../tests/kit/ports.ts';

const SMTP_SINK = '/usr/sbin/smtp-sink';

export const hasSmtpSink = (): boolean => existsSync(SMTP_SINK);

export interface RunningSink {
  readonly port: number;
  /** Mails that it took so far. */
  readonly mails: () => number;
  /** Resolves when it has taken so many. @throws when they do not come for a minute */
  readonly took: (mails: number) => Promise<void>;
  readonly stop: () => Promise<void>;
}

const LEFT_ALONE_MS = 60_000;

export const startSmtpSink = async (): Promise<RunningSink> => {
  const port = await freePort();
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const child = spawn(SMTP_SINK, [...user, '-c', `127.0.0.1:${port}`, '1000'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let mails = 0;
  const waiting = new Set<() => void>();
  let rest = '';
  child.stdout.on('data', (chunk: Buffer) => {
    // Counters, over and over, each line over the one before.
    const lines = `${rest}${chunk.toString()}`.split('\r');
    rest = lines.pop() ?? '';
    for (const line of lines) mails = Math.max(mails, Number(/mesg=(\d+)/.exec(line)?.[1] ?? 0));
    for (const look of waiting) look();
  });
  await listening('smtp-sink', port, child, 10_000);
  return {
    port,
    mails: () => mails,
    took: (wanted) =>
      new Promise((resolve, reject) => {
        const give = (): void => {
          waiting.delete(look);
          reject(new Error(`smtp-sink has ${mails} of ${wanted} mails, and no more come`));
        };
        let timer = setTimeout(give, LEFT_ALONE_MS);
        const look = (): void => {
          clearTimeout(timer);
          timer = setTimeout(give, LEFT_ALONE_MS);
          if (mails < wanted) return;
          clearTimeout(timer);
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill();
      await ended;
    },
  };
};
